//! Leases of workers: who is heard, who is not, and who may come back.

use super::*;

#[test]
fn a_lost_workers_units_are_granted_again_with_a_new_attempt_and_its_late_result_is_refused() {
    let mut rig = Rig::new(&[2], 2);
    let (slot, worker) = rig.connect();
    let (lost, attempt) = rig.grant_of(worker).unwrap();
    rig.exit(slot, worker, KILLED);
    let (_, other) = rig.connect();
    let again = rig.grant_of(other).unwrap();
    assert_eq!((again.0.id(), again.1), (lost.id(), attempt + 1));
    rig.say(worker, FromWorker::Done { unit: lost.id(), attempt, report: Report::default() });
    rig.say(other, FromWorker::Done { unit: lost.id(), attempt, report: Report::default() });
    assert_eq!(rig.counted, 0);
    rig.answer(other, None);
    assert_eq!(rig.counted, 10);
}

#[test]
fn a_silent_worker_is_ended_after_its_lease_and_its_unit_waits_until_the_process_is_gone() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.silence(POLICY.lease);
    assert_eq!(rig.killed, [0; 0]);
    rig.silence(Duration::from_millis(1));
    assert_eq!(rig.killed, [slot]);
    assert_eq!(rig.launched, [0; 0]);
    rig.exit(slot, worker, KILLED);
    assert_eq!(rig.launched, [slot]);
}

#[test]
fn a_worker_in_the_queue_of_its_launcher_has_no_deadline_until_it_begins() {
    let mut rig = Rig::new(&[1], 1);
    let slot = rig.launched[0];
    rig.event(Event::Queued { slot });
    rig.silence(Duration::from_hours(20));
    assert_eq!((&rig.killed[..], &rig.outcome), (&[][..], &None));
    rig.event(Event::Began { slot });
    rig.silence(Duration::from_mins(3));
    assert_eq!(rig.killed, [0; 0]);
    rig.silence(Duration::from_secs(1));
    assert_eq!(rig.killed, [slot]);
}

#[test]
fn a_queued_worker_is_let_in_when_it_calls_before_its_launcher_has_seen_it_begin_and_can_be_taken_out_of_the_queue() {
    let mut rig = Rig::new(&[2], 2);
    let queued = rig.launched[1];
    rig.event(Event::Queued { slot: queued });
    let (slot, worker) = rig.connect();
    assert_eq!(slot, queued);
    assert!(rig.grant_of(worker).is_some());
    // Late news of a worker that serves already change nothing.
    rig.event(Event::Queued { slot });
    assert!(!rig.holds(worker).is_empty());
    let other = rig.launched[0];
    rig.event(Event::Queued { slot: other });
    rig.event(Event::Interrupt);
    assert_eq!(rig.killed, [other]);
}

#[test]
fn what_a_worker_held_that_cannot_even_be_killed_is_done_by_others_and_its_device_waits_for_its_end() {
    let mut rig = Rig::new(&[3], 2);
    let (stuck, silent) = rig.connect();
    let (slot, worker) = rig.connect();
    let held = rig.holds(silent);
    rig.pass(POLICY.lease + Duration::from_secs(1), &[worker]);
    assert_eq!((&rig.killed[..], &rig.left_behind[..]), (&[stuck][..], &[][..]));
    rig.pass(POLICY.lease + Duration::from_secs(1), &[worker]);
    assert_eq!((&rig.left_behind[..], &rig.launched[..]), (&[stuck][..], &[][..]));
    assert_eq!(rig.blamed, [(held[0].0.clone(), "Lost")]);
    // It ends after all, and its device is used again.
    rig.event(Event::Exited { slot: stuck, how: KILLED });
    rig.pass(Duration::from_secs(1), &[worker]);
    assert_eq!(rig.launched, [stuck]);
    let (_, again) = rig.connect();
    rig.finish(stuck, again);
    rig.finish(slot, worker);
    assert_eq!(rig.counted, 30);
}

#[test]
fn a_sweep_whose_last_worker_cannot_be_killed_ends_without_it() {
    let mut rig = Rig::new(&[1], 1);
    let (_, worker) = rig.connect();
    while rig.grant_of(worker).is_some() {
        rig.answer(worker, None);
    }
    // Told to stop, it does not; killed, it does not end.
    rig.silence(GRACE + POLICY.lease);
    assert_eq!(rig.outcome, None);
    rig.silence(Duration::from_secs(2));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_sweep_whose_only_device_is_stuck_waits_an_hour_for_it_and_ends_with_the_reason() {
    let mut rig = Rig::new(&[2], 1);
    rig.connect();
    rig.silence(2 * POLICY.lease + Duration::from_mins(59));
    assert_eq!(rig.outcome, None);
    rig.silence(Duration::from_mins(2));
    let Some(Outcome::NoWorkers(reason)) = &rig.outcome else { panic!("{:?}", rig.outcome) };
    assert!(reason.contains("silent for longer than the lease"), "{reason}");
}

#[test]
fn a_scheduler_that_stood_still_takes_nobody_for_silent() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.silence(POLICY.lease / 2);
    // Stopped for an hour; its clock is the first thing that it looks at.
    rig.now += Duration::from_hours(1);
    rig.event(Event::Tick);
    rig.silence(POLICY.lease / 2);
    assert_eq!(rig.killed, [0; 0]);
    rig.say(worker, FromWorker::Alive);
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_worker_whose_line_breaks_calls_again_and_its_result_counts() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    let (unit, attempt) = rig.grant_of(worker).unwrap();
    rig.event(Event::Disconnected { worker });
    rig.silence(POLICY.lease);
    assert_eq!((rig.killed.len(), rig.launched.len()), (0, 0));
    let again = rig.call(slot, Some(vec![(unit.id(), attempt)]));
    rig.say(again, FromWorker::Done { unit: unit.id(), attempt, report: Report::default() });
    assert_eq!(rig.counted, 10);
    assert_eq!(rig.grant_of(again).map(|(unit, _)| unit.part), Some(Part::Whole));
}

#[test]
fn a_worker_that_calls_again_before_its_broken_line_is_noticed_is_let_in() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    let holds = rig.holds(worker);
    let again = rig.call(slot, Some(holds));
    rig.event(Event::Disconnected { worker });
    rig.silence(Duration::from_secs(1));
    assert_eq!((rig.stopped.len(), rig.killed.len()), (0, 0));
    rig.say(again, FromWorker::Alive);
}

#[test]
fn a_worker_that_does_not_call_again_within_its_lease_is_ended() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.event(Event::Disconnected { worker });
    rig.silence(POLICY.lease + Duration::from_secs(1));
    assert_eq!(rig.killed, [slot]);
}

#[test]
fn a_grant_that_never_arrived_is_granted_again() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    let mut holds = rig.holds(worker);
    let (lost, attempt) = holds.pop().unwrap();
    rig.event(Event::Disconnected { worker });
    rig.granted.clear();
    let again = rig.call(slot, Some(holds));
    assert_eq!(rig.holds(again), [(lost, attempt + 1)]);
}

#[test]
fn a_second_caller_for_a_slot_that_is_served_is_sent_away() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    let second = rig.call(slot, None);
    assert_eq!(rig.stopped, [second]);
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

/// A scheduler that comes back, with workers of the one before it in these slots.
fn restarted(shards: u64, slots: usize, expected: &[usize]) -> Rig {
    let of = group(0, shards);
    let tasks = (0..shards).map(|shard| task(0, &of, shard, None)).collect();
    Rig::of(Sweep::new(tasks, vec![Some(means(&of))], slots, POLICY), expected)
}

#[test]
fn workers_of_a_scheduler_that_was_killed_are_taken_back_with_what_they_hold() {
    let mut rig = restarted(4, 2, &[0, 1]);
    assert_eq!(rig.launched, [0; 0]);
    let id = |at: u64| shard(&group(0, 4), at).id();
    let first = rig.call(0, Some(vec![(id(0), 3)]));
    // What the other one holds is not known yet.
    assert_eq!(rig.granted.len(), 0);
    let second = rig.call(1, Some(vec![(id(2), 1), (id(1), 1)]));
    rig.say(first, FromWorker::Done { unit: id(0), attempt: 3, report: Report::default() });
    rig.say(second, FromWorker::Done { unit: id(2), attempt: 1, report: Report::default() });
    assert_eq!(rig.counted, 20);
    assert_eq!(rig.holds(first), [(id(3), 1)]);
}

#[test]
fn a_worker_of_the_scheduler_before_that_never_calls_holds_nothing_up_beyond_a_lease() {
    let mut rig = restarted(4, 2, &[1]);
    let (_, worker) = rig.connect();
    assert_eq!(rig.granted.len(), 0);
    rig.pass(POLICY.lease + Duration::from_secs(1), &[worker]);
    // It may still be at work, on nobody knows what.
    assert_eq!((rig.killed.clone(), rig.granted.len()), (vec![1], 0));
    rig.event(Event::Exited { slot: 1, how: Ended::Unseen });
    assert_eq!((rig.holds(worker).len(), rig.launched.clone()), (2, vec![1]));
}

#[test]
fn a_worker_that_holds_what_is_another_ones_is_ended() {
    let mut rig = restarted(2, 2, &[0, 1]);
    let unit = shard(&group(0, 2), 0).id();
    rig.call(0, Some(vec![(unit.clone(), 1)]));
    rig.call(1, Some(vec![(unit, 1)]));
    assert_eq!(rig.killed, [1]);
}
