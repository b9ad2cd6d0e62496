//! A fleet with real processes and real lines; the processes only sleep, and the test speaks for them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

use std::collections::BTreeMap;
use std::time::Duration;

use fleet::{Condition, Event, Gauge, Reading, Slot};
use protocol::access::{ACCESS, Access};
use protocol::message::{FromWorker, ToWorker};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

mod support;

use support::{PATIENCE, hello, open, open_with, say, settings};

/// What a caller hears that shows these, line by line: until it is told to stop, or its line ends. A caller that is `let_in` is looked
/// at for a moment after its welcome.
async fn call(access: &Access, instance: u64, resumes: Option<&str>, let_in: bool) -> Vec<ToWorker> {
    let mut lines = BufReader::new(hello(access, instance, resumes).await).lines();
    let mut heard = Vec::new();
    while heard.last() != Some(&ToWorker::Stop) {
        let welcomed = let_in && matches!(heard.last(), Some(ToWorker::Welcome { .. }));
        let longest = if welcomed { Duration::from_millis(500) } else { PATIENCE };
        let Ok(Ok(Some(line))) = timeout(longest, lines.next_line()).await else { break };
        heard.push(serde_json::from_str(&line).unwrap());
    }
    heard
}

#[tokio::test]
async fn only_the_process_that_was_started_last_for_its_slot_and_sweep_is_let_in() {
    use ToWorker::{Proof, Stop, Welcome};

    let folder = tempfile::tempdir().unwrap();
    let mut fleet = open(folder.path(), "ours").await;
    fleet.launch(0).unwrap();
    let access = Access::read(&folder.path().join(ACCESS)).unwrap();
    let instance = access.processes[&0].instance;
    let heard = tokio::spawn(async move {
        let stranger = call(&Access { token: "0".repeat(64), ..access.clone() }, instance, None, false).await;
        let earlier = call(&access, instance - 1, None, false).await;
        let other = call(&access, instance, Some("theirs"), false).await;
        let ours = call(&access, instance, Some("ours"), true).await;
        [stranger, earlier, other, ours]
    });
    let event = timeout(PATIENCE, fleet.next()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Connected { slot: 0, instance: of, .. } if of == instance), "{event:?}");
    let [stranger, earlier, other, ours] = heard.await.unwrap();
    assert_eq!(stranger, []);
    assert!(matches!(other[..], [Proof { .. }, Stop]), "{other:?}");
    assert!(matches!(earlier[..], [Proof { .. }, Welcome { .. }, Stop]), "{earlier:?}");
    assert!(matches!(ours[..], [Proof { .. }, Welcome { .. }]), "{ours:?}");
    fleet.kill(0);
}

#[tokio::test]
async fn a_fleet_that_comes_back_has_token_and_processes_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(ACCESS);
    let mut first = open(folder.path(), "ours").await;
    first.launch(0).unwrap();
    let before = Access::read(&file).unwrap();
    // As after SIGKILL the processes live and the file stays; the port is still taken.
    std::mem::forget(first);
    let mut fleet = open(folder.path(), "ours").await;
    let moved = Access::read(&file).unwrap();
    assert_eq!((&moved.token, &moved.processes), (&before.token, &before.processes));
    assert_ne!(moved.address, before.address);
    assert_eq!(fleet.adopted(), [0]);
    fleet.kill(0);
    let event = timeout(PATIENCE, fleet.next()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Exited { slot: 0, how: fleet::Ended::Unseen }), "{event:?}");
    assert_eq!(Access::read(&file).unwrap().processes, BTreeMap::new());
    drop(fleet);
    assert!(!file.exists(), "a fleet that ends in order takes the secret with it");
}

/// Shows what stands in a list, and then the last of it for ever.
struct Script(Vec<Reading>);

impl Gauge for Script {
    fn read(&mut self, uuid: &str) -> Reading {
        assert_eq!(uuid, "GPU-1", "the processor is not read");
        if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() }
    }
}

#[tokio::test]
async fn the_health_of_a_gpu_is_told_when_it_changes_while_workers_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), "ours");
    settings.slots.push(Slot { name: "gpu:0".into(), gpu: Some("GPU-1".into()), ..settings.slots[0].clone() });
    let mut fleet = open_with(settings).await;
    let sick = Reading { xids: vec![79], ..Reading::default() };
    let script = vec![Reading::default(), sick.clone(), sick, Reading::default()];
    fleet.watch(Duration::from_millis(5), || Some(Box::new(Script(script))));
    fleet.launch(0).unwrap();
    let mut conditions = Vec::new();
    while conditions.len() < 2 {
        match timeout(PATIENCE, fleet.next()).await.unwrap().unwrap() {
            Event::Health { slot: 1, condition } => conditions.push(condition),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(conditions, [Condition::Bad("XID 79: it has fallen off the bus".into()), Condition::Well]);
    fleet.kill(0);
}

#[tokio::test]
async fn where_there_is_no_driver_nothing_is_said_of_health() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), "ours");
    settings.slots[0].gpu = Some("GPU-1".into());
    let mut fleet = open_with(settings).await;
    fleet.watch(Duration::from_millis(5), || None);
    assert!(timeout(Duration::from_millis(200), fleet.next()).await.is_err());
}

/// Whether the line ends, after the number that everybody is sent.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await, Ok(Ok(_) | Err(_)))
}

#[tokio::test]
async fn callers_that_say_nothing_keep_no_worker_out_however_many_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut fleet = open(folder.path(), "ours").await;
    fleet.launch(0).unwrap();
    let access = Access::read(&folder.path().join(ACCESS)).unwrap();
    let instance = access.processes[&0].instance;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&access.address).await.unwrap());
    }
    let mut worker = hello(&access, instance, None).await;
    assert!(matches!(timeout(PATIENCE, fleet.next()).await, Ok(Some(Event::Connected { slot: 0, .. }))));
    for _ in 0..300 {
        silent.push(TcpStream::connect(&access.address).await.unwrap());
    }
    // Who came first is gone, who came last may still say hello, and the worker is there.
    assert!(is_closed(&mut silent[0]).await && is_closed(&mut silent[299]).await);
    assert!(timeout(Duration::from_millis(100), silent[599].read_to_end(&mut Vec::new())).await.is_err());
    say(&mut worker, &FromWorker::Alive).await;
    let event = timeout(PATIENCE, fleet.next()).await.unwrap();
    assert!(matches!(event, Some(Event::Message { message: FromWorker::Alive, .. })), "{event:?}");
    fleet.kill(0);
}

#[tokio::test]
async fn a_first_line_that_does_not_end_is_not_listened_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut fleet = open(folder.path(), "ours").await;
    let access = Access::read(&folder.path().join(ACCESS)).unwrap();
    let mut stream = TcpStream::connect(&access.address).await.unwrap();
    let written = tokio::spawn(async move {
        // The other end may hang up half-way.
        let _ = stream.write_all(&vec![b' '; 1 << 17]).await;
        is_closed(&mut stream).await
    });
    tokio::select! {
        closed = written => assert!(closed.unwrap()),
        event = fleet.next() => panic!("{event:?}"),
    }
}
