//! What a launcher of other machines says of a worker, beside what the worker's own connection says.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::launchers::{Job, Launcher, Offer, Place, State, Ticket, Wanted};
use fleet::{Ended, Event, Fleet, FleetError, Settings, Slot};
use protocol::access::{ACCESS, Access};
use protocol::message::{FromWorker, ToWorker};
use support::{PATIENCE, hello, line_of, open_by, say, settings};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A cluster of one job, whose state the test sets.
#[derive(Debug)]
struct Cluster {
    state: Mutex<State>,
    asked: Mutex<u32>,
    /// Whether an answer takes its time.
    slow: AtomicBool,
    unfit: Mutex<Vec<String>>,
}

impl Launcher for Cluster {
    fn place(&self) -> Place {
        Place::Elsewhere { network: Some("127.0.0.1".to_owned()) }
    }

    fn offer(&self, _: &Wanted<'_>) -> Result<Offer, FleetError> {
        Ok(Offer::default())
    }

    fn launch(&self, _: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        assert!(job.arguments().iter().all(|word| word != "--connect"), "it may start when the scheduler has moved");
        Ok(Ticket { name: "job".into(), pid: None })
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        *self.asked.lock().unwrap() += 1;
        while self.slow.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        tickets.iter().map(|_| self.state.lock().unwrap().clone()).collect()
    }

    fn period(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn end(&self, _: &Ticket) {}

    fn adopt(&self, _: &Ticket) -> bool {
        true
    }

    fn unfit(&self, node: &str) {
        self.unfit.lock().unwrap().push(node.to_owned());
    }
}

struct Rig {
    folder: tempfile::TempDir,
    cluster: Arc<Cluster>,
    fleet: Fleet,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Arc::new(Cluster {
            state: Mutex::new(State::Running),
            asked: Mutex::default(),
            slow: AtomicBool::default(),
            unfit: Mutex::default(),
        });
        let settings = Settings { lease: Duration::from_secs(2), ..settings(folder.path(), "ours") };
        let mut fleet = open_by(Arc::clone(&cluster) as _, settings).await;
        fleet.launch(0).unwrap();
        Self { folder, cluster, fleet }
    }

    fn access(&self) -> Access {
        Access::read(&self.folder.path().join(ACCESS)).unwrap()
    }

    fn set(&self, state: State) {
        *self.cluster.state.lock().unwrap() = state;
    }

    async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.fleet.next()).await.unwrap().unwrap()
    }

    async fn silent(&mut self) {
        let event = timeout(Duration::from_millis(100), self.fleet.next()).await;
        assert!(event.is_err(), "{event:?}");
    }

    /// A worker that sees the folder, in its `restart`.
    async fn call(&mut self, restart: u32) -> TcpStream {
        let access = self.access();
        let instance = access.processes[&0].instance;
        let mut stream = line_of(&access, instance, restart).await;
        let (shared, answer) =
            (self.folder.path().join(".attrisweep.shared"), self.folder.path().join(".attrisweep.shared.0"));
        let content: String = std::fs::read_to_string(shared).unwrap().chars().rev().collect();
        std::fs::write(answer, content).unwrap();
        say(&mut stream, &FromWorker::Sees(Ok(()))).await;
        stream
    }
}

#[tokio::test]
async fn a_connected_worker_is_believed_more_than_its_cluster_which_is_not_even_asked() {
    let mut rig = Rig::new().await;
    let worker = rig.call(0).await;
    assert!(matches!(rig.next().await, Event::Connected { slot: 0, .. }));
    rig.set(State::Ended(Ended::TakenAway));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let asked = *rig.cluster.asked.lock().unwrap();
    rig.silent().await;
    assert!(*rig.cluster.asked.lock().unwrap() <= asked + 1);
    // The line breaks, and now the cluster's word counts.
    drop(worker);
    assert!(matches!(rig.next().await, Event::Disconnected { .. }));
    assert!(matches!(rig.next().await, Event::Exited { slot: 0, how: Ended::TakenAway }));
}

#[tokio::test]
async fn an_answer_that_was_on_its_way_when_a_worker_called_counts_once_its_line_breaks() {
    let mut rig = Rig::new().await;
    rig.cluster.slow.store(true, Relaxed);
    let asked = *rig.cluster.asked.lock().unwrap();
    while *rig.cluster.asked.lock().unwrap() == asked {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let worker = rig.call(0).await;
    assert!(matches!(rig.next().await, Event::Connected { slot: 0, .. }));
    rig.set(State::Ended(Ended::TakenAway));
    rig.cluster.slow.store(false, Relaxed);
    rig.silent().await;
    drop(worker);
    assert!(matches!(rig.next().await, Event::Disconnected { .. }));
    assert!(matches!(rig.next().await, Event::Exited { slot: 0, how: Ended::TakenAway }));
}

#[tokio::test]
async fn of_a_job_that_was_started_again_the_earlier_process_is_sent_away() {
    let mut rig = Rig::new().await;
    let _second = rig.call(1).await;
    assert!(matches!(rig.next().await, Event::Connected { .. }));
    // A node comes back on which the first one was frozen.
    let first = rig.call(0).await;
    let mut lines = BufReader::new(first).lines();
    let mut last = None;
    let heard = async {
        while let Ok(Some(line)) = lines.next_line().await {
            last = Some(serde_json::from_str::<ToWorker>(&line).unwrap());
            if last == Some(ToWorker::Stop) {
                return;
            }
        }
    };
    tokio::select! {
        () = heard => {}
        event = rig.fleet.next() => panic!("{event:?}"),
        () = tokio::time::sleep(PATIENCE) => panic!("not sent away"),
    }
    assert_eq!(last, Some(ToWorker::Stop));
}

#[tokio::test]
async fn a_worker_that_does_not_see_a_folder_is_refused_with_the_reason_and_its_node_is_of_no_use() {
    let mut rig = Rig::new().await;
    let access = rig.access();
    let mut worker = line_of(&access, access.processes[&0].instance, 0).await;
    say(&mut worker, &FromWorker::Sees(Err("`data` is not there".into()))).await;
    let Event::Refused { slot: 0, reason } = rig.next().await else { panic!("no refusal") };
    assert!(reason.contains("node-7") && reason.contains("`data` is not there"), "{reason}");
    assert_eq!(*rig.cluster.unfit.lock().unwrap(), ["node-7"]);
}

#[tokio::test]
async fn a_worker_that_was_given_up_is_not_heard_any_more_so_that_its_lease_runs_out() {
    let mut rig = Rig::new().await;
    let mut worker = rig.call(0).await;
    assert!(matches!(rig.next().await, Event::Connected { .. }));
    rig.fleet.kill(0);
    say(&mut worker, &FromWorker::Alive).await;
    rig.silent().await;
    let mut lines = BufReader::new(worker).lines();
    while let Ok(Ok(Some(line))) = timeout(Duration::from_millis(200), lines.next_line()).await {
        assert!(!line.contains("Renewed"), "{line}");
    }
    let access = rig.access();
    let again = hello(&access, access.processes[&0].instance, Some("ours")).await;
    rig.silent().await;
    drop(again);
}
