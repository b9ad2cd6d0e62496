use std::process::Child;
use std::thread::sleep;
use std::time::Instant;

use machine::process::identity;

use super::super::job::Ended;
use super::*;

fn sleeper() -> (Child, Ticket) {
    let child = Command::new("sleep").arg("3600").spawn().unwrap();
    let ticket = Ticket { name: identity(child.id()).unwrap(), pid: Some(child.id()) };
    (child, ticket)
}

/// The state of a worker once it has ended.
fn end_of(local: &Local, ticket: &Ticket) -> State {
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        match local.poll(std::slice::from_ref(ticket))[..] {
            [State::Running] => assert!(Instant::now() < until, "{ticket:?} lives"),
            ref states => return states[0].clone(),
        }
        sleep(Duration::from_millis(5));
    }
}

fn launched(local: &Local, folder: &std::path::Path, script: &str) -> Ticket {
    let job = Job {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        slot: 0,
        instance: 1,
        token: "secret".into(),
        logs: folder.join("log"),
    };
    let slot = Slot { name: "cpu:0".into(), model: String::new(), threads: 1, gpu: None, memory: None };
    local.launch(&slot, &job).unwrap()
}

#[test]
fn a_process_of_somebody_else_can_be_ended_and_is_seen_to_end() {
    let local = Local::default();
    let (mut child, ticket) = sleeper();
    assert!(local.adopt(&ticket));
    local.end(&ticket);
    assert_eq!(end_of(&local, &ticket), State::Ended(Ended::Unseen));
    assert!(!local.adopt(&ticket), "what waits for its parent is no process");
    child.wait().unwrap();
}

#[test]
fn another_process_of_the_same_id_is_neither_adopted_nor_ended() {
    let local = Local::default();
    let (mut child, ticket) = sleeper();
    let other = Ticket { name: "another boot:1".into(), ..ticket };
    assert!(!local.adopt(&other));
    assert!(!local.adopt(&Ticket { pid: None, ..other.clone() }), "a ticket of another launcher");
    local.end(&other);
    assert_eq!(local.poll(&[other]), [State::Ended(Ended::Unseen)]);
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_child_is_seen_to_end_with_its_code_or_signal_and_many_are_asked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::default();
    let tickets = ["exit 7", "exec sleep 3600"].map(|script| launched(&local, folder.path(), script));
    assert_eq!(end_of(&local, &tickets[0]), State::Ended(Ended::Code(7)));
    assert!(matches!(local.poll(&tickets)[..], [State::Ended(Ended::Unseen), State::Running]));
    local.close();
    assert!(matches!(end_of(&local, &tickets[1]), State::Ended(Ended::Signal(9) | Ended::OutOfMemory)));
}
