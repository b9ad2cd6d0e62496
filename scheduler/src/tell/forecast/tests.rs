//! Forecasts of sweeps whose devices compute at steady rates, against the end that a clock of the test gives.

use std::cell::Cell;

use super::*;

/// Sweep on a clock: units in the order of granting, and the seconds of a map of each class on each device.
struct Steady {
    works: Vec<Work>,
    seconds: Vec<Vec<f64>>,
    /// Seconds that each worker takes to load its first model.
    loading: f64,
}

fn work(index: usize, class: usize, maps: u32, profiled: Option<f64>) -> Work {
    let unit = UnitId::from(format!("g{class}/{index}"));
    Work { unit, class, size: f64::from(maps), makes_maps: true, profiled }
}

impl Steady {
    /// Runs the sweep. Gives the end, and every forecast of the end with the share of maps that was done at the time.
    fn run(&self) -> (f64, Vec<(f64, f64)>) {
        let devices = self.seconds[0].len();
        let mut forecast = Forecast::new(self.works.clone(), devices);
        let all: f64 = self.works.iter().map(|work| work.size).sum();
        let (next, mut done, mut told) = (Cell::new(0), 0.0, Vec::new());
        // What each device does, and until when.
        let mut busy: Vec<Option<(usize, f64)>> = vec![None; devices];
        let take = |forecast: &mut Forecast, slot: usize, now: f64, loading: f64| {
            let index = next.replace(next.get() + 1);
            let work = self.works.get(index)?;
            forecast.granted(slot, &work.unit, now);
            Some((index, now + loading + work.size * self.seconds[work.class][slot]))
        };
        for (slot, busy) in busy.iter_mut().enumerate() {
            forecast.connected(slot);
            *busy = take(&mut forecast, slot, 0.0, self.loading);
        }
        let mut end = 0.0;
        while let Some((slot, (index, now))) =
            busy.iter().enumerate().filter_map(|(slot, b)| Some((slot, (*b)?))).min_by(|a, b| a.1.1.total_cmp(&b.1.1))
        {
            // Whoever looks does so at any time: half a second before the unit is done, too.
            told.extend(
                forecast.left((now - 0.5).max(end)).map(|left| (done / all, (now - 0.5).max(end) + left.seconds)),
            );
            forecast.done(slot, &self.works[index].unit, now);
            done += self.works[index].size;
            busy[slot] = take(&mut forecast, slot, now, 0.0);
            end = now;
            told.extend(forecast.left(now).map(|left| (done / all, now + left.seconds)));
        }
        (end, told)
    }

    /// Checks that from a tenth on, every forecast of the time from then to the end is right to within a tenth.
    fn holds(&self) {
        let (end, told) = self.run();
        let late: Vec<_> = told.into_iter().filter(|(share, _)| *share >= 0.1).collect();
        assert!(late.len() > 10);
        for (share, told) in late {
            assert!(
                (told - end).abs() <= 0.1 * end,
                "at {share:.2} the end was told as {told:.1} s, and is {end:.1} s"
            );
        }
    }
}

#[test]
fn after_a_tenth_of_a_sweep_on_one_device_the_end_is_known_to_a_tenth_whatever_loading_took() {
    let works = (0..20).map(|index| work(index, 0, 100, None)).collect();
    Steady { works, seconds: vec![vec![0.05]], loading: 20.0 }.holds();
}

#[test]
fn devices_of_different_speed_add_up() {
    let works = (0..400).map(|index| work(index, 0, 64, None)).collect();
    Steady { works, seconds: vec![vec![0.01, 0.02, 0.05, 0.05]], loading: 3.0 }.holds();
    // More than are dealt out one by one.
    let works = (0..3000).map(|index| work(index, 0, 64, None)).collect();
    Steady { works, seconds: vec![vec![0.01, 0.02, 0.05, 0.05]], loading: 3.0 }.holds();
}

/// The second model is nine times as slow, and comes last. The profile was made on another machine, where all took half as long.
#[test]
fn a_profile_that_is_wrong_by_one_factor_still_says_what_models_cost_beside_each_other() {
    let of = |index: usize| {
        let (class, of_map) = if index < 100 { (0, 0.01) } else { (1, 0.09) };
        work(index, class, 50, Some(0.5 * 50.0 * of_map))
    };
    let works = (0..200).map(of).collect();
    Steady { works, seconds: vec![vec![0.01, 0.01], vec![0.09, 0.09]], loading: 1.0 }.holds();
}

/// Two devices with eleven minutes of work for each: the profile says so before anything is done.
#[test]
fn before_the_first_unit_the_profile_is_all_that_is_known() {
    let profiled = Forecast::new((0..22).map(|index| work(index, 0, 10, Some(60.0))).collect(), 2);
    assert_eq!(profiled.left(0.0), Some(Left { seconds: 660.0, unknown: 0 }));
    let mut blind = Forecast::new((0..22).map(|index| work(index, 0, 10, None)).collect(), 2);
    assert_eq!(blind.left(0.0), None);
    blind.connected(0);
    blind.granted(0, &UnitId::from("g0/0"), 0.0);
    blind.done(0, &UnitId::from("g0/0"), 30.0);
    // One worker has called, and has 21 units of half a minute to do.
    assert_eq!(blind.left(30.0), Some(Left { seconds: 630.0, unknown: 0 }));
}

#[test]
fn the_last_unit_of_the_last_device_is_the_end() {
    // Three units of a minute on two devices take two minutes, not one and a half.
    let forecast = Forecast::new((0..3).map(|index| work(index, 0, 1, Some(60.0))).collect(), 2);
    assert_eq!(forecast.left(0.0).unwrap().seconds, 120.0);
}

#[test]
fn work_of_a_kind_that_nobody_has_measured_is_told_as_such() {
    let scoring = Work { makes_maps: false, ..work(7, 1, 4, None) };
    let mut forecast = Forecast::new(vec![work(0, 0, 4, Some(8.0)), scoring], 1);
    assert_eq!(forecast.left(0.0), Some(Left { seconds: 8.0, unknown: 1 }));
    forecast.connected(0);
    forecast.granted(0, &UnitId::from("g0/0"), 0.0);
    forecast.done(0, &UnitId::from("g0/0"), 8.0);
    assert_eq!(forecast.left(8.0), None);
    forecast.granted(0, &UnitId::from("g1/7"), 8.0);
    forecast.done(0, &UnitId::from("g1/7"), 9.0);
    assert_eq!(forecast.left(9.0), Some(Left { seconds: 0.0, unknown: 0 }));
}

#[test]
fn a_unit_of_a_worker_that_is_gone_is_still_to_be_done() {
    let mut forecast = Forecast::new((0..2).map(|index| work(index, 0, 1, Some(60.0))).collect(), 1);
    forecast.connected(0);
    forecast.granted(0, &UnitId::from("g0/0"), 0.0);
    assert_eq!(forecast.left(50.0).unwrap().seconds, 70.0);
    forecast.vacated(0);
    assert_eq!(forecast.left(50.0).unwrap().seconds, 120.0);
}

#[test]
fn what_is_given_up_is_no_time_to_come_until_it_is_tried_again() {
    let mut forecast = Forecast::new((0..3).map(|index| work(index, 0, 1, Some(60.0))).collect(), 1);
    for unit in ["g0/1", "g0/2", "g0/2"] {
        forecast.given_up(&UnitId::from(unit));
    }
    assert_eq!(forecast.left(0.0), Some(Left { seconds: 60.0, unknown: 0 }));
    forecast.tried_again(&UnitId::from("g0/1"));
    assert_eq!(forecast.left(0.0), Some(Left { seconds: 120.0, unknown: 0 }));
}
