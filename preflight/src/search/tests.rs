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

    /// The same where the rate of a measurement is off by a factor, and others may use the cores.
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

#[test]
fn memory_ends_the_search_below_the_margin() {
    // 10 % of the 1000 bytes above the model stay free: 90 images; bisection would find 100.
    let (step, ran) = Device { overhead: 1e3, second: 1e-6, ..DEVICE }.search(1000);
    assert_eq!(ran, [4, 90]);
    assert!(matches!(step, Step::Found(Found { batch: 90, bound: Bound::Memory, .. })), "{step:?}");
}

/// The first four images take nothing but their own; with more, 80 bytes of something else come along.
#[test]
fn a_batch_that_uses_up_the_margin_is_followed_by_one_that_does_not() {
    let mut search = Search::new(64, Some(900), 0.1);
    let mut ran = Vec::new();
    let bytes = |batch: usize| 400 + 10 * batch as u64 + if batch > 4 { 50 } else { 0 };
    let step = loop {
        let Step::Measure(batch) = search.next() else { break search.next() };
        ran.push(batch);
        search.measured(400, Point { batch, bytes: bytes(batch), rate: 100.0 * batch as f64 }, WARM);
    };
    // 900 bytes are enough for 45 images, 850 for 40; by the line through 440 and 890 it is a few less.
    assert_eq!(ran, [4, 44, 40]);
    assert!(matches!(step, Step::Found(Found { batch: 40, bound: Bound::Memory, .. })), "{step:?}");
}

#[test]
fn a_line_that_was_wrong_costs_three_batches_and_then_what_fits_is_doubled() {
    // Up to 8 images cost nothing, the ninth takes all.
    let mut search = Search::new(64, Some(1000), 0.1);
    let mut burnt = Vec::new();
    let step = loop {
        match search.next() {
            Step::Measure(batch) if batch > 8 => {
                burnt.push(batch);
                search.ran_out(batch);
            }
            Step::Measure(batch) => {
                search.measured(400, Point { batch, bytes: 410, rate: 100.0 * batch as f64 }, WARM);
            }
            step => break step,
        }
    };
    // From four images eight are tried, and fit; twice those is too many, as one batch more tells.
    assert_eq!(burnt, [64, 34, 18, 13]);
    assert!(matches!(step, Step::Found(Found { batch: 8, bound: Bound::Memory, .. })), "{step:?}");
}

#[test]
fn one_image_that_runs_out_does_not_fit() {
    let (step, ran) = Device { budget: 405, ..DEVICE }.search(64);
    assert_eq!((step, ran), (Step::NoRoom, vec![4, 1]));
}

#[test]
fn one_image_may_use_up_the_margin() {
    let (step, _) = Device { budget: 410, ..DEVICE }.search(64);
    assert!(matches!(step, Step::Found(Found { batch: 1, .. })), "{step:?}");
}

#[test]
fn a_budget_that_shrinks_on_the_way_counts() {
    let mut search = Search::new(64, Some(900), 0.1);
    for batch in [4, 45] {
        let Step::Measure(next) = search.next() else { panic!("{:?}", search.next()) };
        // 10 % of the 500 bytes above the model stay free: 45 images, an even number is 44.
        assert_eq!(next, batch & !1);
        search.measured(400, Point { batch: next, bytes: 400 + 10 * next as u64, rate: 100.0 * next as f64 }, WARM);
    }
    search.allow(Some(590));
    // 90 % of the 190 bytes that are left above the model: 17 images, an even number is 16.
    assert_eq!(search.next(), Step::Measure(16));
    search.measured(400, Point { batch: 16, bytes: 560, rate: 1600.0 }, WARM);
    let step = search.next();
    assert!(matches!(step, Step::Found(Found { batch: 16, bound: Bound::Memory, .. })), "{step:?}");
}

/// A neighbour takes memory while 44 images are measured, stays until fewer fit, and leaves.
#[test]
fn what_ran_out_while_a_neighbour_held_memory_is_tried_again_once_it_is_back() {
    let mut search = Search::new(64, Some(900), 0.1);
    let (mut ran, mut budget) = (Vec::new(), 900);
    let step = loop {
        let Step::Measure(batch) = search.next() else { break search.next() };
        ran.push(batch);
        match ran.len() {
            2 => budget = 600,
            3 => budget = 900,
            _ => {}
        }
        if 400 + 10 * batch as u64 > budget {
            search.ran_out(batch);
        } else {
            search.measured(400, Point { batch, bytes: 400 + 10 * batch as u64, rate: 100.0 * batch as f64 }, WARM);
        }
        search.allow(Some(budget));
    };
    assert_eq!(ran, [4, 44, 18, 44], "{step:?}");
    assert!(matches!(step, Step::Found(Found { batch: 44, bound: Bound::Memory, .. })), "{step:?}");
}

#[test]
fn a_neighbour_that_comes_and_goes_for_ever_ends_the_search_all_the_same() {
    let mut search = Search::new(64, Some(900), 0.1);
    for _ in 0..100 {
        match search.next() {
            // It is there whenever many images are measured, and gone a moment later.
            Step::Measure(batch) if batch > 20 => {
                search.ran_out(batch);
                search.allow(Some(600));
                search.allow(Some(900));
            }
            Step::Measure(batch) => {
                let rate = 100.0 * batch as f64;
                search.measured(400, Point { batch, bytes: 400 + 10 * batch as u64, rate }, WARM);
                search.allow(Some(900));
            }
            _ => return,
        }
    }
    panic!("no end: {search:?}");
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

#[test]
fn bisection_doubles_and_then_halves_what_is_between() {
    assert_eq!(bisection(64, 64), [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!(bisection(5, 64), [1, 2, 4, 8, 6, 5]);
    assert_eq!(bisection(24, 24), [1, 2, 4, 8, 16, 24]);
    assert_eq!((bisection(1, 64), bisection(1, 1), bisection(3, 3)), (vec![1, 2], vec![1], vec![1, 2, 3]));
}

/// Room is 90 of 100 bytes, 52 images at one byte and 38 before them; 18 images took twice as much for once.
#[test]
fn a_size_that_took_more_than_its_share_does_not_end_the_search_at_it() {
    let mut search = Search::new(64, Some(100), 0.1);
    for (batch, bytes) in [(4, 42), (64, 102), (18, 74)] {
        search.measured(0, Point { batch, bytes, rate: batch as f64 }, WARM);
    }
    // Half of the way from 18 to 64, by (90 - 74) / (102 - 74) = 0.57 of 46 images: 44.
    assert_eq!(search.next(), Step::Measure(44));
}

/// What a worker holds besides changes from one batch to the next: sizes that should leave the margin miss it.
#[test]
fn sizes_that_miss_the_margin_by_a_hair_do_not_leave_the_first_few_images() {
    let mut search = Search::new(64, Some(1000), 0.1);
    // Room is 950.
    let crooked = |batch: usize| if batch < 24 { 500 + 10 * batch as u64 } else { 951 };
    let found = loop {
        match search.next() {
            Step::Measure(batch) => {
                search.measured(500, Point { batch, bytes: crooked(batch), rate: 100.0 * batch as f64 }, WARM);
            }
            Step::Found(found) => break found,
            Step::NoRoom => panic!("{search:?}"),
        }
    };
    assert!((20..24).contains(&found.batch), "{found:?} {search:?}");
    assert_eq!(found.bound, Bound::Memory);
}

#[test]
fn where_the_first_few_images_use_up_the_margin_fewer_are_tried() {
    let mut search = Search::new(64, Some(900), 0.1);
    let mut ran = Vec::new();
    let step = loop {
        match search.next() {
            Step::Measure(batch) => {
                ran.push(batch);
                search.measured(700, Point { batch, bytes: 885 + batch as u64, rate: 1.0 }, WARM);
            }
            step => break step,
        }
    };
    let Step::Found(found) = step else { panic!("{step:?}") };
    assert_eq!((found.batch, found.bound), (1, Bound::Memory), "one may use it up");
    assert!(ran[0] == 4 && ran.is_sorted_by(|before, after| before > after), "{ran:?}");
}
