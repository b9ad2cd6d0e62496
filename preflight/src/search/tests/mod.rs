mod memory;

use super::bisection::bisection;
use super::*;

/// A device whose batches of `b` images take `base + each * b` bytes and `(overhead + b) * second` seconds.
#[derive(Clone, Copy)]
struct Device {
    base: u64,
    each: u64,
    overhead: f64,
    /// Seconds that an image adds to a batch.
    second: f64,
    budget: u64,
}

const WARM: How = How { warm: true, disturbed: false };

impl Device {
    fn rate(self, batch: usize) -> f64 {
        batch as f64 / (self.overhead + batch as f64) / self.second
    }

    fn bytes(self, batch: usize) -> u64 {
        self.base + self.each * batch as u64
    }

    /// What plain bisection finds, in batches of any size.
    fn most(self, most: usize) -> usize {
        most.min((self.budget.saturating_sub(self.base) / self.each) as usize)
    }

    /// What the search finds with the margin, and the sizes that it ran.
    fn search(self, most: usize) -> (Step, Vec<usize>) {
        self.noisy(most, |_| (1.0, false))
    }

    /// Search where the rate of a measurement is off by a factor, and others may use the cores.
    fn noisy(self, most: usize, mut disturbance: impl FnMut(usize) -> (f64, bool)) -> (Step, Vec<usize>) {
        let mut search = Search::new(most, Some(self.budget), 0.1);
        let mut ran = Vec::new();
        for time in 0..64 {
            match search.next() {
                Step::Measure(batch) => {
                    if !ran.contains(&batch) {
                        ran.push(batch);
                    }
                    if self.bytes(batch) > self.budget {
                        search.ran_out(batch);
                    } else {
                        let (factor, disturbed) = disturbance(time);
                        let rate = factor * self.rate(batch);
                        let point = Point { batch, bytes: self.bytes(batch), rate };
                        search.measured(self.base, point, How { disturbed, ..WARM });
                    }
                }
                step => return (step, ran),
            }
        }
        panic!("no end: {ran:?}")
    }
}

/// Rates of a hundred images a second and more: batches are short.
const DEVICE: Device = Device { base: 400, each: 10, overhead: 8.0, second: 0.001, budget: 1400 };

/// Whether a choice is as good as one may ask: 80 % of what bisection finds, or within 3 % of the fastest. Of four images
/// or fewer, one less is more than a fifth.
fn is_good(device: Device, batch: usize, most: usize) -> bool {
    let best = device.most(most);
    let fastest = (1..=best).map(|batch| device.rate(batch)).fold(0.0, f64::max);
    batch as f64 >= 0.8 * best as f64 || device.rate(batch) >= 0.97 * fastest || best - batch <= 1
}

#[test]
fn every_choice_fits_and_is_large_enough_or_fast_enough_at_a_third_of_the_sizes_of_bisection() {
    let (mut ours, mut of_bisection) = (0, 0);
    for most in [1, 3, 16, 64, 1000] {
        for budget in (420..9000).step_by(37) {
            for (overhead, second) in [(0.0, 1.0), (0.3, 0.01), (4.0, 0.001), (100.0, 0.0001)] {
                let device = Device { overhead, second, budget, ..DEVICE };
                let (step, ran) = device.search(most);
                let Step::Found(found) = step else { panic!("{budget} {overhead}: {step:?}") };
                assert!(device.bytes(found.batch) <= budget && found.batch <= most);
                assert!(is_good(device, found.batch, most), "{budget} {overhead} {most}: {found:?}, {ran:?}");
                let burnt = ran.iter().filter(|batch| device.bytes(**batch) > budget).count();
                // Before the first batch nothing is known.
                assert!(burnt == 0 || (burnt == 1 && ran[0] == FIRST.min(most)), "{ran:?} ran out of {budget}");
                if most >= 16 {
                    ours += ran.len();
                    of_bisection += bisection(device.most(usize::MAX >> 1), most).len();
                }
            }
        }
    }
    assert!(3 * ours <= of_bisection, "{ours} of {of_bisection}");
}

#[test]
fn an_image_that_is_slow_by_itself_is_compared_with_a_few_and_no_more() {
    let (step, ran) = Device { overhead: 0.0, second: 1.0, ..DEVICE }.search(64);
    assert_eq!(ran, [4, 1]);
    assert!(matches!(step, Step::Found(Found { batch: 4, bound: Bound::Speed, .. })), "{step:?}");
    // On cores that others use all of the time, each measurement another share of it.
    let shares = [1.0, 0.9, 0.95, 1.0];
    let busy = Device { overhead: 0.0, second: 1.0, ..DEVICE }.noisy(64, |time| (shares[time % 4] / 2.0, true));
    assert_eq!(busy.1, [4, 1]);
}

/// Rates are off by a factor of ten at random where others compute: no speed is believed, and memory decides.
#[test]
fn on_cores_that_others_use_the_choice_is_by_memory_whatever_the_rates_seem_to_be() {
    for seed in 0..500_u64 {
        let mut state = seed;
        let noise = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let busy = (state >> 33) % 3 > 0;
            (if busy { 0.1 + ((state >> 40) % 100) as f64 / 110.0 } else { 1.0 }, busy)
        };
        let device = Device { budget: 900 + 20 * (seed % 50), overhead: (seed % 7) as f64, ..DEVICE };
        let (step, ran) = device.noisy(64, noise);
        let Step::Found(found) = step else { panic!("{seed}: {step:?}") };
        assert!(device.bytes(found.batch) <= device.budget);
        assert!(is_good(device, found.batch, 64), "{seed}: {found:?} of {ran:?}");
    }
}

/// One moment in which something else took the cores, which the system did not tell of.
#[test]
fn a_short_batch_that_met_a_busy_moment_is_measured_again_before_fewer_images_are_taken() {
    for bad in 0..4 {
        let (step, ran) = DEVICE.noisy(64, |time| (if time == bad { 0.3 } else { 1.0 }, false));
        let Step::Found(found) = step else { panic!("{step:?}") };
        assert!(is_good(DEVICE, found.batch, 64), "{bad}: {found:?}, {ran:?}");
        assert_eq!(ran, [4, 64]);
    }
}

/// The first batch of a size makes its kernels: it is no reason to take fewer images.
#[test]
fn the_first_time_that_a_long_batch_is_computed_does_not_decide() {
    let device = Device { overhead: 0.2, second: 0.01, budget: 90_000, ..DEVICE };
    let mut search = Search::new(200, Some(device.budget), 0.1);
    let mut ran = Vec::new();
    let step = loop {
        let Step::Measure(batch) = search.next() else { break search.next() };
        let warm = batch == 4 || ran.contains(&batch);
        ran.push(batch);
        // Half of its time is lost at the first time.
        let rate = device.rate(batch) * if warm { 1.0 } else { 0.5 };
        search.measured(device.base, Point { batch, bytes: device.bytes(batch), rate }, How { warm, disturbed: false });
    };
    let Step::Found(found) = step else { panic!("{step:?}") };
    assert!(is_good(device, found.batch, 200), "{found:?} of {ran:?}");
    assert_eq!(ran, [4, 200, 4, 200]);
}
