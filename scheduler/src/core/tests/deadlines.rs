//! Deadlines of units, with a forecast and without, on devices of one kind and of several.

use super::*;

/// Seconds until a worker that only says that it lives is ended.
fn patience(rig: &mut Rig, worker: WorkerId) -> u64 {
    let began = rig.now;
    while rig.killed.is_empty() {
        rig.pass(Duration::from_secs(1), &[worker]);
    }
    rig.killed.clear();
    rig.now.saturating_sub(began).as_secs()
}

#[test]
fn a_unit_without_a_forecast_may_take_task_timeout_and_then_uses_up_its_retries() {
    let mut rig = Rig::new(&[1], 1);
    for _ in 0..=POLICY.max_retries {
        let (slot, worker) = rig.connect();
        assert_eq!(patience(&mut rig, worker), POLICY.unit_timeout.as_secs() + 1);
        rig.exit(slot, worker, KILLED);
    }
    assert!(rig.reasons()[0].contains("task_timeout") && rig.reasons()[0].ends_with("(times too slow: 2 of 2)"));
}

/// 30 x 6 s + 120 s, and ten minutes more for the first unit of a file; never more than `task_timeout`.
#[test]
fn the_deadline_of_a_unit_follows_from_its_forecast() {
    let of = group(0, 4);
    let tasks = [100_000.0, 6.0, 6.0].into_iter().zip(0..).map(|(seconds, shard)| task(0, &of, shard, Some(seconds)));
    let mut rig = Rig::of(Sweep::new(tasks.collect(), vec![None], 1, POLICY), &[]);
    let (slot, worker) = rig.connect();
    assert_eq!(patience(&mut rig, worker), POLICY.unit_timeout.as_secs() + 1);
    rig.exit(slot, worker, KILLED);
    let (slot, worker) = rig.connect();
    assert_eq!(patience(&mut rig, worker), 180 + 120 + 600 + 1);
    rig.exit(slot, worker, KILLED);
    let (_, worker) = rig.connect();
    rig.answer(worker, None);
    assert_eq!(rig.grant_of(worker).map(|(unit, _)| unit.part), Some(Part::Shard(0)));
}

#[test]
fn a_worker_that_has_read_the_file_has_no_time_for_it_again() {
    let of = group(0, 4);
    let tasks = (0..3).map(|shard| task(0, &of, shard, Some(6.0)));
    let mut rig = Rig::of(Sweep::new(tasks.collect(), vec![None], 1, POLICY), &[]);
    let (_, worker) = rig.connect();
    rig.answer(worker, None);
    assert_eq!(patience(&mut rig, worker), 180 + 120 + 1);
}

/// Units of 10 s on the mean, on three devices: ten times as fast, as slow as makes that mean, and one of a kind that was not
/// measured.
#[test]
fn a_unit_is_hung_after_what_is_long_on_the_kind_of_device_that_has_it() {
    let of = group(0, 4);
    let tasks = (0..4).map(|shard| task(0, &of, shard, Some(10.0))).collect();
    let mut sweep = Sweep::new(tasks, vec![None], 3, POLICY);
    sweep.core.set_relative_times(vec![vec![Some(0.1), Some(1.9), None]]);
    let mut rig = Rig::of(sweep, &[]);
    let workers: Vec<WorkerId> = (0..3).map(|_| rig.connect().1).collect();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        rig.pass(Duration::from_secs(1), &workers);
        while let Some(slot) = rig.killed.get(seen.len()) {
            seen.push((*slot, rig.now.as_secs() - 1));
        }
    }
    // Thirty times its forecast, two minutes, and ten for the file; and `task_timeout`.
    assert_eq!(seen, [(0, 30 + 720), (1, 570 + 720), (2, 3600)]);
}
