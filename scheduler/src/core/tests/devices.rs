//! Devices on which workers keep ending.

use super::*;

const BROKEN: Ended = Ended::Code(83);

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
