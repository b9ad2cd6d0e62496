//! Workers that are jobs of a cluster's queue.

use super::*;

const ELSEWHERE: Policy = Policy { lets_go: true, ..POLICY };

/// A sweep of one group of `shards` shards, each of which is forecast to take so many seconds.
fn sweep(shards: u64, slots: usize, seconds: f64) -> Rig {
    let of = group(0, shards);
    let tasks = (0..shards).map(|shard| task(0, &of, shard, Some(seconds))).collect();
    Rig::of(Sweep::new(tasks, vec![None], slots, ELSEWHERE), &[])
}

#[test]
fn what_a_job_held_that_goes_back_into_the_queue_is_done_by_others_and_nobody_is_to_blame() {
    let mut rig = sweep(2, 1, 10.0);
    let (slot, worker) = rig.connect();
    let (unit, attempt) = rig.grant_of(worker).unwrap();
    rig.event(Event::Disconnected { worker });
    rig.granted.clear();
    rig.event(Event::Queued { slot });
    // It may wait for hours, for longer than any lease.
    rig.silence(Duration::from_hours(5));
    assert_eq!((&rig.killed[..], &rig.blamed[..], &rig.launched[..]), (&[][..], &[][..], &[][..]));
    let again = rig.call(slot, None);
    let (second, next) = rig.grant_of(again).unwrap();
    assert_eq!((second.id(), next), (unit.id(), attempt + 1));
    rig.finish(slot, again);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

/// A job goes back into the queue and is refused there: its node is gone for good, say.
#[test]
fn what_a_job_held_that_cannot_be_started_again_is_done_by_others_and_the_next_worker_knows_nothing_of_it() {
    let mut rig = sweep(4, 1, 100.0);
    let slot = rig.launched.pop().unwrap();
    // No time for a second unit, and it has to leave besides.
    rig.event(Event::Ends { slot, after: Duration::from_secs(150) });
    let worker = rig.call(slot, None);
    rig.say(worker, FromWorker::Leaving);
    assert_eq!(rig.holds(worker).len(), 1);
    rig.event(Event::Disconnected { worker });
    rig.granted.clear();
    rig.event(Event::LaunchFailed { slot, reason: "no such node".into() });
    assert_eq!((rig.core.units.open(), &rig.blamed[..]), (4, &[][..]));
    let slot = rig.launched.pop().unwrap();
    let next = rig.call(slot, None);
    assert_eq!(rig.holds(next).len(), 2, "the next worker has all the time");
    rig.finish(slot, next);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn jobs_that_are_taken_away_a_hundred_times_cost_a_unit_nothing() {
    let mut rig = sweep(1, 1, 10.0);
    for _ in 0..100 {
        // A minute, should the place be left alone for a while.
        while rig.launched.is_empty() {
            rig.silence(Duration::from_mins(1));
        }
        let (slot, worker) = rig.connect();
        assert!(rig.grant_of(worker).is_some());
        rig.exit(slot, worker, Ended::TakenAway);
        assert_eq!(rig.outcome, None);
    }
    assert!(rig.blamed.iter().all(|(_, class)| *class == "TakenAway"));
}

#[test]
fn jobs_that_end_before_they_call_are_not_started_for_ever() {
    let mut rig = sweep(1, 1, 10.0);
    let mut starts = 0;
    while rig.outcome.is_none() {
        rig.launched.pop();
        starts += 1;
        rig.event(Event::Exited { slot: 0, how: Ended::Unseen });
        assert!(starts < 10);
    }
    assert!(matches!(rig.outcome, Some(Outcome::NoWorkers(_))));
}

#[test]
fn workers_for_which_there_is_nothing_are_let_go_those_in_the_queue_first() {
    let mut rig = sweep(3, 3, 10.0);
    let (queued, first, second) = (rig.launched[0], rig.launched[1], rig.launched[2]);
    rig.event(Event::Queued { slot: queued });
    let workers = [rig.call(first, None), rig.call(second, None)];
    rig.pass(Duration::from_secs(1), &workers);
    assert_eq!(rig.killed, [0; 0], "there are as many units");
    rig.answer(workers[0], None);
    rig.pass(Duration::from_secs(1), &workers);
    assert_eq!((&rig.killed[..], &rig.stopped[..]), (&[queued][..], &[][..]));
    rig.event(Event::Exited { slot: queued, how: Ended::TakenAway });
    // One unit is left, and one of the two workers.
    rig.answer(workers[0], None);
    rig.pass(Duration::from_secs(1), &workers);
    assert_eq!((rig.stopped.len(), &rig.launched[3..]), (1, &[][..]));
    // Here nobody else waits for the machine.
    let mut rig = Rig::new(&[2], 2);
    let (_, worker) = rig.connect();
    let (_, other) = rig.connect();
    rig.answer(worker, None);
    rig.pass(Duration::from_secs(1), &[worker, other]);
    assert_eq!(rig.stopped, []);
}

/// As [`sweep`], where nothing was measured before.
fn unmeasured(shards: u64) -> Rig {
    let of = group(0, shards);
    let tasks = (0..shards).map(|shard| task(0, &of, shard, None)).collect();
    Rig::of(Sweep::new(tasks, vec![None], 1, ELSEWHERE), &[])
}

#[test]
fn without_a_forecast_a_unit_takes_as_long_as_the_last_one_of_its_group() {
    // After the first unit two are left, and a hundred seconds for each.
    for (end, fits) in [(299, false), (301, true)] {
        let mut rig = unmeasured(3);
        let slot = rig.launched.pop().unwrap();
        rig.event(Event::Ends { slot, after: Duration::from_secs(end) });
        let worker = rig.call(slot, None);
        assert_eq!(rig.holds(worker).len(), 2, "nothing is known yet");
        rig.pass(Duration::from_secs(100), &[worker]);
        rig.answer(worker, None);
        assert_eq!((rig.holds(worker).len(), rig.stopped.len()), (if fits { 2 } else { 1 }, 0));
        rig.pass(Duration::from_secs(100), &[worker]);
        rig.answer(worker, None);
        assert_eq!((rig.holds(worker).len(), rig.stopped.len()), if fits { (1, 0) } else { (0, 1) });
    }
}

#[test]
fn a_worker_that_has_no_time_for_a_second_unit_does_the_first_and_its_result_counts() {
    let mut rig = sweep(4, 1, 100.0);
    let slot = rig.launched.pop().unwrap();
    // A hundred seconds for the unit that is under way leave no time for another one behind it.
    rig.event(Event::Ends { slot, after: Duration::from_secs(150) });
    let worker = rig.call(slot, None);
    assert_eq!((rig.holds(worker).len(), rig.stopped.len()), (1, 0));
    rig.pass(Duration::from_secs(100), &[worker]);
    rig.answer(worker, None);
    assert_eq!((rig.core.units.open(), &rig.stopped[..]), (3, &[worker][..]));
}

#[test]
fn a_worker_takes_no_unit_that_does_not_fit_before_its_job_ends_but_for_the_first() {
    let mut rig = sweep(4, 1, 100.0);
    let slot = rig.launched.pop().unwrap();
    rig.event(Event::Ends { slot, after: Duration::from_secs(250) });
    let worker = rig.call(slot, None);
    let held = rig.holds(worker).len();
    rig.pass(Duration::from_secs(100), &[worker]);
    rig.answer(worker, None);
    // 150 s are left for a second one, and then 50 s.
    rig.pass(Duration::from_secs(100), &[worker]);
    assert_eq!((held >= 1, rig.stopped.len()), (true, 0));
    rig.answer(worker, None);
    while rig.grant_of(worker).is_some() {
        rig.answer(worker, None);
    }
    assert_eq!(rig.stopped, [worker]);
    rig.exit(slot, worker, Ended::Unseen);
    // A job that is shorter than any unit gets one all the same.
    let slot = rig.launched.pop().unwrap();
    rig.event(Event::Ends { slot, after: Duration::from_secs(30) });
    let worker = rig.call(slot, None);
    assert!(rig.grant_of(worker).is_some());
}
