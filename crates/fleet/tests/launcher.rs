//! A toy launcher: jobs in the queue of a cluster that outlives schedulers, and that nobody sees as processes.
//!
//! Everything that such a launcher needs is in this file: in the program it would be a file of its own, and a line in
//! `LAUNCHERS`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::launchers::{Entry, Job, Launcher, Offer, State, Ticket, Wanted};
use fleet::{Ended, Event, Fleet, FleetError, Settings, Slot};
use protocol::access::{ACCESS, Access};
use support::{PATIENCE, hello, open_by, settings};
use sweep::config::Devices;
use sweep::problem::Problems;
use sweep::yaml::{Fields, parse};
use tokio::time::timeout;

/// Jobs of the cluster, by their ids.
static JOBS: Mutex<BTreeMap<String, State>> = Mutex::new(BTreeMap::new());
/// Most jobs that one poll has asked for.
static MOST: Mutex<usize> = Mutex::new(0);

const CLUSTER: Entry = Entry { name: "cluster", build };

fn build(fields: Fields<'_>) -> Arc<dyn Launcher> {
    fields.finish();
    Arc::new(Cluster)
}

#[derive(Debug)]
struct Cluster;

impl Launcher for Cluster {
    fn offer(&self, _: &Wanted<'_>) -> Result<Offer, FleetError> {
        let slot = |at| Slot { name: format!("node:{at}"), model: "X".into(), threads: 1, gpu: None, memory: None };
        Ok(Offer { slots: (0..2).map(slot).collect(), warnings: vec!["the cluster is busy".into()] })
    }

    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        assert!(
            job.arguments().iter().all(|argument| argument != "--device"),
            "where it runs is the launcher's to say"
        );
        let mut jobs = JOBS.lock().unwrap();
        let name = format!("{} of {}", jobs.len(), slot.name);
        jobs.insert(name.clone(), State::Queued);
        Ok(Ticket { name, pid: None })
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        let mut most = MOST.lock().unwrap();
        *most = tickets.len().max(*most);
        let jobs = JOBS.lock().unwrap();
        tickets.iter().map(|ticket| jobs.get(&ticket.name).cloned().unwrap_or(State::Unknown)).collect()
    }

    fn period(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn end(&self, ticket: &Ticket) {
        JOBS.lock().unwrap().insert(ticket.name.clone(), State::Ended(Ended::Signal(15)));
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        JOBS.lock().unwrap().get(&ticket.name).is_some_and(|state| !matches!(state, State::Ended(_)))
    }
}

/// The cluster has a place for the job of `slot`.
fn begin(slot: &str) {
    let mut jobs = JOBS.lock().unwrap();
    let (_, state) = jobs.iter_mut().find(|(name, _)| name.ends_with(slot)).unwrap();
    *state = State::Running;
}

async fn next(fleet: &mut Fleet) -> Event {
    timeout(PATIENCE, fleet.next()).await.unwrap().unwrap()
}

/// The slots of the next `count` events, which all are of workers in the queue.
async fn queued(fleet: &mut Fleet, count: usize) -> Vec<usize> {
    let mut slots = Vec::new();
    for _ in 0..count {
        match next(fleet).await {
            Event::Queued { slot } => slots.push(slot),
            other => panic!("{other:?}"),
        }
    }
    slots.sort_unstable();
    slots
}

#[tokio::test]
async fn jobs_of_a_cluster_wait_begin_outlive_their_scheduler_and_end_by_their_tickets_alone() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { devices: &Devices::Auto, threads: None, memory: None, survivors: &[] };
    let node = parse("{}").unwrap();
    let built = || (CLUSTER.build)(Fields::within(&node, "", &mut Problems::new(Path::new("c.yml"))));
    let slots = built().offer(&wanted).unwrap().slots;
    let settings = || Settings { slots: slots.clone(), ..settings(folder.path(), "ours") };
    let mut first = open_by(built(), settings()).await;
    first.launch(0).unwrap();
    first.launch(1).unwrap();
    assert_eq!(queued(&mut first, 2).await, [0, 1]);
    assert_eq!((first.pid(0), first.pids()), (None, None), "they are no processes of this machine");
    assert_eq!(fleet::survivors(folder.path(), &Cluster).len(), 2);
    // As after SIGKILL of the scheduler.
    std::mem::forget(first);

    let mut second = open_by(built(), settings()).await;
    let mut adopted = second.adopted();
    adopted.sort_unstable();
    assert_eq!(adopted, [0, 1]);
    assert_eq!(queued(&mut second, 2).await, [0, 1]);
    begin("node:0");
    assert!(matches!(next(&mut second).await, Event::Began { slot: 0 }));
    let access = Access::read(&folder.path().join(ACCESS)).unwrap();
    let line = hello(&access, access.processes[&0].instance, None).await;
    assert!(matches!(next(&mut second).await, Event::Connected { slot: 0, .. }));
    second.kill(1);
    assert!(matches!(next(&mut second).await, Event::Exited { slot: 1, how: Ended::Signal(15) }));
    assert_eq!(*MOST.lock().unwrap(), 2, "one question for all");
    drop(line);
    drop(second);
    // The job that runs goes on, and the next scheduler will know of it.
    assert_eq!(fleet::survivors(folder.path(), &Cluster).len(), 1);
}
