//! The speed of every size of a batch, from two sizes that were measured.
//!
//! The time of a batch is a straight line: a part for the batch, and a part for each of its images. Two measured sizes give the
//! line, and the line gives the speed of every size between them. Measured times are a few percent too long, never too short:
//! other work may always take time. For few images that matters most, because the part for the batch is a small difference of
//! large numbers there. So decisions use the line through a time of few images that is longer than the measured one.

use sweep::memory::Point;

/// Share by which the time of few images is taken to be longer than measured. With half of it, one of four batches that were
/// bisected at 64 px had 95 % of the speed of the fastest.
const DOUBT: f64 = 0.08;
/// Share of the speed of the most images that is enough: the fewest images with this speed are chosen. A larger batch is not
/// measured if it could not gain the rest.
const NEAR: f64 = 0.99;
/// [`DOUBT`] for images that are slow by themselves: each one is waited for.
const DOUBT_SLOW: f64 = 0.04;
/// [`NEAR`] for images that are slow by themselves.
const NEAR_SLOW: f64 = 0.97;
/// Least ratio of two sizes, in images, for a line through both.
const APART: usize = 3;

/// The line of a batch's time: seconds for the batch, and seconds for each image.
#[derive(Clone, Copy, Debug)]
struct BatchTime {
    fixed: f64,
    each: f64,
}

impl BatchTime {
    /// The line through two sizes, where `few` images take `factor` times the measured time. `None` if `many` images then take no
    /// longer than `few`.
    fn through(few: &Point, many: &Point, factor: f64) -> Option<Self> {
        let seconds = |point: &Point| point.batch as f64 / point.rate;
        let (few_seconds, many_seconds) = (factor * seconds(few), seconds(many));
        let each = (many_seconds - few_seconds) / (many.batch as f64 - few.batch as f64);
        // More images that seem slower than few prove nothing beyond the doubt, either.
        let fixed = (many_seconds - each * many.batch as f64).max((factor - 1.0) * each * few.batch as f64);
        (each.is_finite() && each > 0.0).then_some(Self { fixed, each })
    }

    fn rate(self, batch: f64) -> f64 {
        batch / (self.fixed + self.each * batch)
    }

    /// The size whose speed is the share `share` of the speed of `most` images.
    fn reaching(self, share: f64, most: usize) -> f64 {
        self.fixed / (self.fixed / (share * most as f64) + self.each * (1.0 / share - 1.0))
    }
}

/// Whether batches of more images than `many`, up to `most`, cannot be much faster. For `slow` images less is asked for.
pub(crate) fn is_enough(few: &Point, many: &Point, most: usize, slow: bool) -> bool {
    let (share, doubt) = if slow { (NEAR_SLOW, DOUBT_SLOW) } else { (NEAR, DOUBT) };
    let time = BatchTime::through(few, many, 1.0 + doubt).filter(|_| many.batch >= APART * few.batch);
    time.is_some_and(|time| time.reaching(share, most.max(many.batch)) <= many.batch as f64)
}

/// The fewest images, between `few` and `many`, that are as fast as `many`, and their speed in images a second. `None` if they are
/// more than a third of `many`: that would save little memory, and where speed still rises nothing is certain.
pub(crate) fn knee(few: &Point, many: &Point) -> Option<(usize, f64)> {
    let reached = BatchTime::through(few, many, 1.0 + DOUBT)?.reaching(NEAR, many.batch);
    let least = (reached.ceil() as usize).max(few.batch);
    // Threads share an even number of images.
    let batch = if least > few.batch { least.next_multiple_of(2) } else { least };
    let rate = BatchTime::through(few, many, 1.0)?.rate(batch as f64);
    (3 * batch <= many.batch).then_some((batch, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speed of a batch whose fixed part takes as long as `fixed` images.
    fn rate(fixed: f64, batch: usize) -> f64 {
        batch as f64 / (fixed + batch as f64)
    }

    fn point(batch: usize, rate: f64) -> Point {
        Point { batch, bytes: 0, rate }
    }

    /// Runs that are up to a few percent too slow, alone and all of a minute together; the best of them, as a probe has it.
    struct Noise(u64);

    impl Noise {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
        }

        /// Draws from a bell's half, of breadth `sigma`.
        fn slowdown(&mut self, sigma: f64) -> f64 {
            let bell = (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
            sigma * bell.abs()
        }

        /// Two turns of so many runs.
        fn best(&mut self, sigma: f64, runs: usize) -> f64 {
            let mut turn = || {
                let all = self.slowdown(sigma);
                (0..runs).map(|_| all + self.slowdown(sigma)).fold(f64::INFINITY, f64::min)
            };
            1.0 / (1.0 + turn().min(turn()))
        }
    }

    /// Number of those of 20,000 searches, for the breadth `sigma`, that chose less than 80 % of what fits and are not
    /// within 3 % of the fastest.
    fn failures(sigma: f64) -> usize {
        let mut failures = 0;
        for (many, seed) in [16, 32, 64, 200, 1000].into_iter().zip(1..) {
            let mut noise = Noise(seed);
            for fixed in [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 4.0] {
                for _ in 0..500 {
                    let few = point(4, rate(fixed, 4) * noise.best(sigma, 3));
                    let most = point(many, rate(fixed, many) * noise.best(sigma, 1));
                    let slow = |(batch, _): (usize, f64)| rate(fixed, batch) < 0.97 * rate(fixed, many);
                    failures += usize::from(knee(&few, &most).is_some_and(slow));
                }
            }
        }
        failures
    }

    #[test]
    fn measurements_that_are_off_by_some_percent_lead_to_a_batch_that_is_too_slow_in_less_than_one_of_five_hundred_searches()
     {
        assert_eq!(failures(0.015), 0);
        assert!(failures(0.03) < 40, "{}", failures(0.03));
    }

    #[test]
    fn the_fewer_images_a_batch_costs_by_itself_the_fewer_are_taken() {
        let found = |fixed: f64| knee(&point(4, rate(fixed, 4)), &point(200, rate(fixed, 200))).map(|(batch, _)| batch);
        assert_eq!([0.0, 0.1, 0.2, 2.0].map(found), [Some(28), Some(36), Some(44), None]);
        // Of many that were slower than four no fewer than where they are as fast.
        assert_eq!(knee(&point(4, 1.0), &point(200, 0.9)).map(|(batch, _)| batch), Some(28));
        // Of 64 it would be more than a third.
        assert_eq!(knee(&point(4, 1.0), &point(64, 0.9)), None);
    }

    #[test]
    fn the_speed_of_what_was_not_measured_is_that_of_the_line() {
        let (batch, speed) = knee(&point(4, rate(0.1, 4)), &point(200, rate(0.1, 200))).expect("it is flat");
        assert!((speed / rate(0.1, batch) - 1.0).abs() < 1e-9, "{batch}: {speed}");
    }

    #[test]
    fn images_that_are_slow_by_themselves_are_enough_and_what_gets_faster_is_not() {
        let measured = |fixed: f64, batch| point(batch, rate(fixed, batch));
        let enough = |fixed: f64| is_enough(&measured(fixed, 1), &measured(fixed, 4), 64, true);
        assert_eq!([0.0, 0.05, 0.3, 3.0].map(enough), [true, true, false, false]);
        // Four images that take no longer than one.
        assert!(!is_enough(&point(1, 1.0), &point(4, 4.0), 64, true));
        // Sixteen have 97 % of the speed here, and whether six have is not to be told from four.
        assert!(!is_enough(&measured(0.5, 4), &measured(0.5, 16), 64, false));
        assert!(!is_enough(&measured(0.0, 4), &measured(0.0, 6), 64, false));
    }
}
