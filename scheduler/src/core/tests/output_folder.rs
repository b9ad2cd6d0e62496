//! An output folder that cannot be written for a while.

use super::*;

#[test]
fn a_full_disk_pauses_the_sweep_which_goes_on_when_there_is_room() {
    let mut rig = Rig::new(&[4], 2);
    let (first, a) = rig.connect();
    let (second, b) = rig.connect();
    while rig.grant_of(a).is_some() {
        rig.answer(a, Some(Failure::Storage));
    }
    assert_eq!((rig.granted.len(), rig.tries), (1, 0));
    rig.answer(b, Some(Failure::Storage));
    rig.pass(Duration::from_secs(2), &[a, b]);
    assert_eq!(rig.tries, 1);
    rig.event(Event::Tried(Err("full".into())));
    rig.pass(Duration::from_secs(3), &[a, b]);
    assert_eq!(rig.tries, 1, "pauses grow");
    rig.pass(Duration::from_secs(1), &[a, b]);
    rig.event(Event::Tried(Ok(())));
    // No failure was counted: it was not the units'.
    while let Some(worker) = [a, b].into_iter().find(|worker| rig.grant_of(*worker).is_some()) {
        rig.answer(worker, None);
    }
    rig.exit(first, a, Ended::Code(0));
    rig.exit(second, b, Ended::Code(0));
    assert_eq!((rig.outcome.clone(), rig.counted), (Some(Outcome::Complete), 40));
}

#[test]
fn pauses_grow_up_to_five_minutes_and_begin_anew_once_a_unit_is_done() {
    let mut rig = Rig::new(&[9], 1);
    let (_, worker) = rig.connect();
    for round in 0..2 {
        while rig.grant_of(worker).is_some() {
            rig.answer(worker, Some(Failure::Storage));
        }
        for pause in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let (began, tries) = (rig.now, rig.tries);
            while rig.tries == tries {
                rig.pass(Duration::from_secs(1), &[worker]);
            }
            assert_eq!(rig.now.saturating_sub(began).as_secs(), pause, "round {round}");
            rig.event(Event::Tried(Err("full".into())));
        }
        while rig.grant_of(worker).is_none() {
            let tries = rig.tries;
            rig.pass(Duration::from_secs(1), &[worker]);
            if rig.tries > tries {
                rig.event(Event::Tried(Ok(())));
            }
        }
        rig.answer(worker, None);
    }
}

#[test]
fn a_group_whose_end_cannot_be_written_is_closed_later_and_the_sweep_waits_for_it() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.full = true;
    rig.answer(worker, None);
    rig.pass(Duration::from_secs(2), &[worker]);
    assert_eq!((rig.closed.len(), rig.stopped.len(), rig.tries), (0, 0, 1));
    rig.full = false;
    rig.event(Event::Tried(Ok(())));
    assert_eq!(rig.closed, [0]);
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_worker_whose_log_cannot_be_written_is_started_later_and_its_device_is_not_blamed() {
    let mut rig = Rig::new(&[1], 1);
    for _ in 0..10 {
        let slot = rig.launched.pop().unwrap();
        rig.event(Event::Unwritable { what: Unwritable::Log { slot }, reason: "full".into() });
        let tries = rig.tries;
        while rig.tries == tries {
            rig.silence(Duration::from_secs(1));
        }
        rig.event(Event::Tried(Ok(())));
    }
    let (slot, worker) = rig.connect();
    rig.finish(slot, worker);
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}
