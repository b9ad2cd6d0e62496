//! Devices of several kinds.

use super::*;

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
