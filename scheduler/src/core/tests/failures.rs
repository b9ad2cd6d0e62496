//! Failures of units: each class has a budget of its own, and the last message says why.

use super::*;

#[test]
fn a_unit_that_fails_is_tried_again_as_often_as_the_config_says() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, Some(Failure::Engine));
    assert_eq!(rig.grant_of(worker).map(|(_, attempt)| attempt), Some(2));
    rig.answer(worker, Some(Failure::Engine));
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.reasons(), ["broken (failures: 2 of 2)", "a shard of its group was given up"]);
}

#[test]
fn a_hopeless_failure_is_not_tried_again_and_the_rest_goes_on() {
    for class in [Failure::Input, Failure::Number] {
        let mut rig = Rig::new(&[1, 1], 1);
        let (slot, worker) = rig.connect();
        rig.answer(worker, Some(class));
        rig.finish(slot, worker);
        assert_eq!(rig.closed.len(), 1);
        assert_eq!(rig.reasons().len(), 2);
    }
}

/// Two groups of a shard and its means: the first shard fails and is wanted again while the second one is under way.
#[test]
fn units_that_were_given_up_are_done_once_somebody_wants_them_tried_again() {
    for class in [Failure::Input, Failure::Number, Failure::Group] {
        let mut rig = Rig::new(&[2, 1], 1);
        let (slot, worker) = rig.connect();
        let (failed, _) = rig.grant_of(worker).unwrap();
        rig.answer(worker, Some(class));
        if class == Failure::Group {
            // The second unit that finds its group bad ends the group.
            while rig.grant_of(worker).is_some_and(|(unit, _)| unit.group != failed.group) {
                rig.answer(worker, None);
            }
            rig.answer(worker, Some(class));
        }
        if rig.core.ending.is_none() {
            rig.event(Event::Retry);
            assert_eq!(rig.given_up, [], "they are tried again");
            rig.finish(slot, worker);
            assert_eq!(rig.outcome, Some(Outcome::Complete), "{class:?}");
        } else {
            // What has ended has ended.
            rig.event(Event::Retry);
            rig.exit(slot, worker, Ended::Code(0));
            assert!(!rig.reasons().is_empty());
        }
    }
}

/// Number of grants of a unit whose every attempt ends in this way.
fn attempts(end: impl Fn(&mut Rig, usize, WorkerId)) -> (usize, String) {
    let mut rig = Rig::new(&[1], 1);
    for attempts in 1..1000 {
        while rig.launched.is_empty() {
            rig.silence(Duration::from_mins(1));
        }
        let (slot, worker) = rig.connect();
        end(&mut rig, slot, worker);
        if rig.outcome.is_some() || rig.core.ending.is_some() {
            rig.launched.clear();
            if rig.outcome.is_none() {
                rig.exit(slot, worker, Ended::Code(0));
            }
            return (attempts, rig.reasons()[0].to_owned());
        }
    }
    panic!("it never ends");
}

#[test]
fn each_way_in_which_workers_end_has_its_own_budget_and_its_own_words() {
    let cases = [
        (Ended::Signal(11), 3, "its worker was ended by signal 11 (crashes of its worker: 3 of 3)"),
        (left(ExitCode::Defect), 3, "its worker left with exit code 70 (crashes of its worker: 3 of 3)"),
        (Ended::Signal(6), 6, "its worker was ended by signal 6 (times out of host memory: 6 of 6)"),
        (left(ExitCode::HostMemory), 6, "its worker left with exit code 86 (times out of host memory: 6 of 6)"),
        (Ended::Signal(9), 50, "its worker was ended by signal 9 (kills of its worker: 50 of 50)"),
        (Ended::Signal(15), 50, "its worker was ended by signal 15 (preemptions of its worker: 50 of 50)"),
        (left(ExitCode::LeaseLost), 30, "its worker left with exit code 84 (workers not heard any more: 30 of 30)"),
    ];
    for (how, budget, reason) in cases {
        let found = attempts(|rig, slot, worker| rig.exit(slot, worker, how));
        assert_eq!(found, (budget, reason.to_owned()));
    }
    let sticky = attempts(|rig, slot, worker| {
        rig.answer(worker, Some(Failure::Sticky));
        rig.exit(slot, worker, left(ExitCode::DeviceLost));
    });
    assert_eq!(sticky, (3, "broken (failures of its device: 3 of 3)".to_owned()));
}

#[test]
fn what_waited_behind_the_unit_that_ended_a_worker_is_not_blamed() {
    let mut rig = Rig::new(&[2], 1);
    for _ in 0..3 {
        let (slot, worker) = rig.connect();
        assert_eq!(rig.holds(worker).len(), 2);
        rig.exit(slot, worker, Ended::Signal(11));
    }
    // Each was the first at least once, and neither was blamed thrice.
    let (slot, worker) = rig.connect();
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_unit_that_failed_waits_until_all_others_have_been_tried() {
    let mut rig = Rig::new(&[3], 1);
    let (_, worker) = rig.connect();
    rig.answer(worker, Some(Failure::Engine));
    let mut order = Vec::new();
    while order.len() < 3 {
        order.push(rig.grant_of(worker).unwrap().0.part);
        rig.answer(worker, None);
    }
    assert_eq!(order, [Part::Shard(1), Part::Shard(2), Part::Shard(0)]);
}

#[test]
fn twenty_kills_from_outside_cost_no_unit() {
    let mut rig = Rig::new(&[1], 1);
    for _ in 0..20 {
        let (slot, worker) = rig.connect();
        rig.exit(slot, worker, KILLED);
    }
    let (slot, worker) = rig.connect();
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn bad_input_stops_its_group_with_one_reason_and_the_other_groups_go_on() {
    let mut rig = Rig::new(&[5, 2], 1);
    let (slot, worker) = rig.connect();
    let mut granted = Vec::new();
    while let Some((unit, _)) = rig.grant_of(worker) {
        let bad = unit.group.dataset == "d0";
        granted.push((unit.group.dataset.clone(), unit.part));
        rig.answer(worker, bad.then_some(Failure::Group));
    }
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.closed, [1]);
    let tried = granted.iter().filter(|(dataset, _)| dataset == "d0").count();
    // Two found it bad, and one was held ahead.
    assert!((2..=3).contains(&tried), "{granted:?}");
    let reasons = rig.reasons();
    assert_eq!(reasons.iter().filter(|reason| **reason == "bad input of its group: broken").count(), 5);
    assert_eq!(reasons.len(), 6);
}

/// A file that was just being put in its place: the unit that found it so waits, and finds it whole.
#[test]
fn input_that_is_found_bad_once_stops_nothing() {
    let mut rig = Rig::new(&[5], 1);
    let (slot, worker) = rig.connect();
    for _ in 0..3 {
        rig.answer(worker, Some(Failure::Group));
        rig.answer(worker, None);
    }
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_worker_that_has_to_leave_is_given_nothing_and_its_units_cost_nothing() {
    let mut rig = Rig::new(&[4], 2);
    let (slot, worker) = rig.connect();
    rig.say(worker, FromWorker::Leaving);
    let held = rig.holds(worker);
    for (unit, attempt) in held.clone() {
        rig.say(worker, FromWorker::Returned { unit, attempt });
    }
    assert_eq!(rig.holds(worker), held, "nothing new was granted");
    rig.exit(slot, worker, left(ExitCode::Preempted));
    assert_eq!(rig.core.units.failures_of(0) + rig.core.units.failures_of(1), 0);
    let (_, other) = rig.connect();
    assert_eq!(rig.grant_of(other).map(|(_, attempt)| attempt), Some(2));
}

#[test]
fn failures_that_a_scheduler_before_saw_count_and_leave_one_more_try() {
    for (before, crashes) in [(0, 3), (1, 2), (2, 1), (7, 1)] {
        let of = group(0, 1);
        let mut sweep = Sweep::new(vec![task(0, &of, 0, None)], vec![Some(means(&of))], 1, POLICY);
        let unit = shard(&of, 0).id();
        sweep.core.remember(&unit, "Crash", before);
        sweep.core.remember(&unit, "Storage", 9);
        sweep.core.remember(&UnitId::from("another/0"), "Crash", 9);
        let mut rig = Rig::of(sweep, &[]);
        for _ in 0..crashes {
            assert_eq!(rig.outcome, None);
            let (slot, worker) = rig.connect();
            rig.exit(slot, worker, Ended::Signal(11));
        }
        assert!(rig.reasons()[0].ends_with("(crashes of its worker: 3 of 3)"));
    }
}

/// A unit that waited behind the first one was not begun.
#[test]
fn only_the_unit_that_was_under_way_is_blamed_in_the_journal() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    let first = rig.holds(worker)[0].0.clone();
    rig.exit(slot, worker, Ended::Signal(11));
    assert_eq!(rig.blamed, [(first, "Crash")]);
    let (slot, worker) = rig.connect();
    rig.event(Event::Interrupt);
    rig.exit(slot, worker, KILLED);
    assert_eq!(rig.blamed.len(), 1, "it was told to stop");
}
