//! The end of a sweep: no device idles while a unit waits behind another one.

use std::collections::VecDeque;

use super::*;
use crate::core::tests::simulation::Random;

/// Devices that take grants, do them one after another, and give back what they have not begun.
struct Devices {
    rig: Rig,
    workers: Vec<WorkerId>,
    /// Units that each device holds, with the time that they take; the first is under way until then.
    held: Vec<VecDeque<(UnitId, u32, f64)>>,
    until: Vec<f64>,
}

impl Devices {
    /// Runs units that take so many seconds, and are forecast otherwise, on `devices`; when the last one is done.
    fn makespan(units: &[(f64, f64)], devices: usize) -> f64 {
        let of = group(0, units.len() as u64);
        let tasks = units.iter().zip(0..).map(|((forecast, _), shard)| task(0, &of, shard, Some(*forecast)));
        let mut rig = Rig::of(Sweep::new(tasks.collect(), vec![None], devices, POLICY), &[]);
        let workers: Vec<_> = (0..rig.launched.len()).map(|_| rig.connect().1).collect();
        let devices = workers.len();
        let mut all = Self { rig, workers, held: vec![VecDeque::new(); devices], until: vec![f64::MAX; devices] };
        let mut now = 0.0;
        loop {
            all.settle(now, units);
            let next = (0..devices).min_by(|a, b| all.until[*a].total_cmp(&all.until[*b])).unwrap();
            if all.held[next].is_empty() {
                return now;
            }
            now = all.until[next];
            all.rig.now = Duration::from_secs_f64(now);
            let (unit, attempt, _) = all.held[next].pop_front().unwrap();
            all.until[next] = f64::MAX;
            all.rig.say(all.workers[next], FromWorker::Done { unit, attempt, report: Report::default() });
        }
    }

    /// Takes grants, begins units and answers until nobody has anything to say.
    fn settle(&mut self, now: f64, units: &[(f64, f64)]) {
        loop {
            for (worker, unit, attempt) in std::mem::take(&mut self.rig.granted) {
                let Part::Shard(shard) = unit.part else { panic!("{unit:?}") };
                let device = self.workers.iter().position(|of| *of == worker).unwrap();
                self.held[device].push_back((unit.id(), attempt, units[shard as usize].1));
            }
            for (until, held) in self.until.iter_mut().zip(&self.held) {
                if let (Some((_, _, seconds)), f64::MAX) = (held.front(), *until) {
                    *until = now + seconds;
                }
            }
            let Some((worker, unit, attempt)) = self.rig.withdrawn.pop() else { return };
            let device = self.workers.iter().position(|of| *of == worker).unwrap();
            let at = self.held[device].iter().position(|(id, of, _)| (id, *of) == (&unit, attempt));
            if let Some(at) = at.filter(|at| *at > 0) {
                self.held[device].remove(at);
                self.rig.say(worker, FromWorker::Returned { unit, attempt });
            }
        }
    }
}

/// Graham's bound: where no device idles while anything waits, the last one to end began its last unit when all others
/// were busy. So the sweep takes at most an equal share of all of it and the longest unit, less that unit's share.
#[test]
fn whatever_is_forecast_no_device_idles_while_a_unit_waits() {
    let mut random = Random::new(1);
    let mut seconds = |most: u64| 1.0 + random.below(most * 1000) as f64 / 1000.0;
    for devices in 1..9 {
        for count in [1, 2, devices, 2 * devices, 3 * devices + 1, 60] {
            let units: Vec<_> = (0..count).map(|_| (seconds(300), seconds(300))).collect();
            let took = Devices::makespan(&units, devices);
            let (sum, longest) = units.iter().fold((0.0, 0.0_f64), |(sum, most), (_, of)| (sum + of, most.max(*of)));
            let most = sum / devices as f64 + longest * (1.0 - 1.0 / devices as f64);
            assert!(took <= most + 1e-6, "{count} units on {devices} devices took {took} s, expected {most} s");
        }
    }
}

/// Longest first takes 4/3 of the best possible at most (Graham 1969); on grids as sweeps are it comes much closer.
#[test]
fn with_true_forecasts_a_sweep_takes_little_longer_than_an_equal_share_of_it() {
    let mut random = Random::new(2);
    let (mut worst, mut sum) = (0.0_f64, 0.0);
    for _ in 0..200 {
        let devices = 2 + random.below(7) as usize;
        // Models that differ by ten times, shards that are equal but for the last of each split.
        let units: Vec<_> = (0..4 * devices)
            .map(|_| {
                let of = (10 + random.below(90)) as f64;
                (of, of)
            })
            .collect();
        let least = (units.iter().map(|(of, _)| of).sum::<f64>() / devices as f64)
            .max(units.iter().map(|(of, _)| *of).fold(0.0, f64::max));
        let ratio = Devices::makespan(&units, devices) / least;
        (worst, sum) = (worst.max(ratio), sum + ratio);
    }
    let mean = sum / 200.0;
    assert!(worst < 1.2 && mean < 1.05, "at worst {worst}, on average {mean}");
}

#[test]
fn a_unit_that_waits_behind_another_one_goes_to_a_device_that_has_nothing_to_do() {
    let mut rig = Rig::new(&[4], 2);
    let (_, a) = rig.connect();
    let (_, b) = rig.connect();
    assert_eq!((rig.holds(a).len(), rig.holds(b).len()), (2, 1));
    rig.answer(b, None);
    rig.answer(b, None);
    let (unit, attempt) = rig.holds(a)[1].clone();
    assert_eq!(rig.withdrawn, [(a, unit.clone(), attempt)]);
    // Until it is returned, it is the first one's.
    assert_eq!(rig.holds(b), []);
    rig.granted.retain(|(_, held, _)| held.id() != unit);
    rig.say(a, FromWorker::Returned { unit: unit.clone(), attempt });
    assert_eq!(rig.holds(b), [(unit, attempt + 1)]);
    assert_eq!(rig.core.units.failures_of(1), 0);
}

#[test]
fn a_unit_that_was_begun_when_it_was_asked_for_stays_where_it_is() {
    let mut rig = Rig::new(&[4], 2);
    let (_, a) = rig.connect();
    let (_, b) = rig.connect();
    rig.answer(b, None);
    rig.answer(b, None);
    rig.answer(a, None);
    // It crossed the question, and counts.
    rig.answer(a, None);
    assert_eq!((rig.counted, rig.withdrawn.len()), (40, 1));
}
