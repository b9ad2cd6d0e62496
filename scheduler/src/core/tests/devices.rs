//! Devices on which workers keep ending.

use super::*;

const BROKEN: Ended = left(ExitCode::NoDevice);

/// Workers that end at once are started until the device is left alone; how many, and for how long it is.
fn quarantine(rig: &mut Rig) -> (usize, u64) {
    let mut ended = 0;
    while let Some(slot) = rig.launched.pop() {
        rig.event(Event::Exited { slot, how: BROKEN });
        ended += 1;
    }
    let began = rig.now;
    while rig.launched.is_empty() && rig.outcome.is_none() {
        rig.silence(Duration::from_secs(1));
    }
    (ended, rig.now.saturating_sub(began).as_secs())
}

#[test]
fn a_device_that_never_keeps_a_worker_ends_the_sweep_with_the_reason() {
    let mut rig = Rig::new(&[3], 1);
    while let Some(slot) = rig.launched.pop() {
        rig.event(Event::Exited { slot, how: BROKEN });
    }
    assert_eq!(rig.outcome, Some(Outcome::NoWorkers("its worker left with exit code 83".into())));
}

#[test]
fn a_program_that_cannot_be_started_ends_the_sweep_with_the_reason() {
    let mut rig = Rig::new(&[3], 2);
    while let Some(slot) = rig.launched.pop() {
        rig.event(Event::LaunchFailed { slot, reason: "no such file".into() });
    }
    assert_eq!(rig.outcome, Some(Outcome::NoWorkers("no such file".into())));
}

#[test]
fn a_device_that_worked_is_left_alone_for_growing_times_and_taken_back_when_it_works_again() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.exit(slot, worker, BROKEN);
    assert_eq!(quarantine(&mut rig), (4, 60));
    for minutes in [2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(quarantine(&mut rig), (1, 60 * minutes));
    }
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.exit(slot, worker, BROKEN);
    // As if nothing had been: the unit proved that it works.
    assert_eq!(quarantine(&mut rig), (4, 60));
    let (slot, worker) = rig.connect();
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_device_that_stays_broken_for_most_of_a_day_ends_the_sweep() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.exit(slot, worker, BROKEN);
    while rig.outcome.is_none() {
        quarantine(&mut rig);
    }
    assert!(matches!(rig.outcome, Some(Outcome::NoWorkers(_))));
    assert!((18..24).contains(&(rig.now.as_secs() / 3600)), "{:?}", rig.now);
}

#[test]
fn a_broken_device_leaves_the_last_unit_to_another_one() {
    let mut rig = Rig::new(&[1], 2);
    // One shard and its means are open, so both devices are tried.
    assert_eq!(rig.launched, [0, 1]);
    for _ in 0..5 {
        rig.launched.retain(|slot| *slot != 0);
        rig.event(Event::Exited { slot: 0, how: BROKEN });
    }
    let (slot, worker) = rig.connect();
    assert_eq!(slot, 1);
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

/// Five crashes in a row, but of two units only: who crashes again says little of the device.
#[test]
fn poison_units_are_given_up_and_the_device_is_not() {
    let mut rig = Rig::new(&[1, 1], 1);
    for _ in 0..6 {
        let (slot, worker) = rig.connect();
        rig.exit(slot, worker, Ended::Signal(11));
    }
    assert_eq!(rig.reasons().len(), 4);
}

/// Five different units crash: it is the device, and none of them is given up.
#[test]
fn a_device_that_crashes_whatever_it_is_given_costs_no_unit() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.exit(slot, worker, Ended::Signal(11));
    while let Some(slot) = rig.launched.pop() {
        let worker = rig.call(slot, None);
        rig.exit(slot, worker, Ended::Signal(11));
    }
    rig.silence(Duration::from_secs(61));
    let (slot, worker) = rig.connect();
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_process_that_does_not_call_is_ended() {
    let mut rig = Rig::new(&[1], 1);
    rig.silence(Duration::from_mins(3));
    assert_eq!(rig.killed, [0; 0]);
    rig.silence(Duration::from_secs(1));
    assert_eq!(rig.killed, [0]);
}

fn bad(rig: &mut Rig, slot: usize) {
    rig.event(Event::Health { slot, condition: Condition::Bad("XID 79: lost".into()) });
}

fn well(rig: &mut Rig, slot: usize) {
    rig.event(Event::Health { slot, condition: Condition::Well });
}

/// Seconds until a worker is started; nobody says anything.
fn pause(rig: &mut Rig) -> u64 {
    let began = rig.now;
    while rig.launched.is_empty() {
        assert_eq!(rig.outcome, None, "nobody waits any more");
        rig.silence(Duration::from_secs(1));
    }
    rig.now.saturating_sub(began).as_secs()
}

#[test]
fn a_device_that_turns_bad_loses_its_worker_and_its_unit_is_not_blamed() {
    let mut rig = Rig::new(&[1], 2);
    let (slot, worker) = rig.connect();
    let (unit, attempt) = rig.grant_of(worker).unwrap();
    bad(&mut rig, slot);
    assert_eq!(rig.killed, [slot]);
    // What it computed cannot be trusted.
    rig.say(worker, FromWorker::Done { unit: unit.id(), attempt, report: Report::default() });
    assert_eq!(rig.counted, 0);
    rig.exit(slot, worker, KILLED);
    let (other, worker) = rig.connect();
    assert_ne!(other, slot);
    assert_eq!(rig.grant_of(worker).map(|(unit, attempt)| (unit.id(), attempt)), Some((unit.id(), 2)));
    assert_eq!(rig.core.units.failures_of(0), 0);
}

#[test]
fn a_bad_device_is_tried_again_after_growing_pauses_until_a_unit_is_done_there() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    bad(&mut rig, slot);
    rig.exit(slot, worker, KILLED);
    well(&mut rig, slot);
    assert_eq!(pause(&mut rig), 60);
    for seconds in [120, 240] {
        let (slot, worker) = rig.connect();
        bad(&mut rig, slot);
        rig.exit(slot, worker, KILLED);
        well(&mut rig, slot);
        assert_eq!(pause(&mut rig), seconds);
    }
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    bad(&mut rig, slot);
    rig.exit(slot, worker, KILLED);
    well(&mut rig, slot);
    assert_eq!(pause(&mut rig), 60, "the unit has proved that it works");
}

/// 1 + 2 + 4 minutes: it is looked at again only at the end of each pause.
#[test]
fn a_device_that_stays_bad_gets_no_worker_until_it_is_well() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    bad(&mut rig, slot);
    rig.exit(slot, worker, KILLED);
    rig.silence(Duration::from_mins(4));
    well(&mut rig, slot);
    assert_eq!((rig.launched.len(), pause(&mut rig)), (0, 180));
}

#[test]
fn a_device_that_stays_bad_for_most_of_a_day_ends_the_sweep_with_what_the_driver_says() {
    let mut rig = Rig::new(&[9], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    bad(&mut rig, slot);
    rig.exit(slot, worker, KILLED);
    while rig.outcome.is_none() {
        rig.silence(Duration::from_mins(1));
    }
    assert!((18..24).contains(&(rig.now.as_secs() / 3600)), "{:?}", rig.now);
    assert_eq!(rig.outcome, Some(Outcome::NoWorkers("its GPU is bad: XID 79: lost".into())));
}

#[test]
fn a_device_whose_clocks_are_held_down_goes_on_and_others_are_served_first() {
    let mut rig = Rig::new(&[1], 2);
    rig.event(Event::Health { slot: 0, condition: Condition::Doubtful("hot".into()) });
    let (_, worker) = rig.connect();
    let (slow, other) = rig.connect();
    assert_eq!((slow, rig.holds(other).len(), rig.killed.len()), (0, 0, 0));
    // Now both have nothing to do.
    rig.answer(worker, None);
    assert_eq!((rig.holds(worker).len(), rig.holds(other).len()), (1, 0));
}

/// Else a restart while the only GPU is sick would end at once.
#[test]
fn a_device_that_is_bad_from_the_start_is_waited_for() {
    let mut rig = Rig::new(&[1], 1);
    bad(&mut rig, 0);
    rig.launched.clear();
    rig.event(Event::Exited { slot: 0, how: KILLED });
    rig.silence(Duration::from_mins(10));
    well(&mut rig, 0);
    assert_eq!(pause(&mut rig), 300);
}
