use super::*;

/// A device whose batches of `b` images take `base + each * b` bytes and `overhead + b` seconds.
#[derive(Clone, Copy)]
struct Device {
    base: u64,
    each: u64,
    overhead: f64,
    budget: u64,
}

impl Device {
    fn rate(self, batch: usize) -> f64 {
        batch as f64 / (self.overhead + batch as f64)
    }

    fn bytes(self, batch: usize) -> u64 {
        self.base + self.each * batch as u64
    }

    /// What plain bisection finds, in batches of any size.
    fn most(self, most: usize) -> usize {
        (1..=most).filter(|batch| self.bytes(*batch) <= self.budget).max().unwrap_or(0)
    }

    /// What the search finds with the margin, and the batches that it ran.
    fn search(self, most: usize) -> (Step, Vec<usize>) {
        let mut search = Search::new(most, Some(self.budget), 0.1);
        let mut ran = Vec::new();
        loop {
            match search.next() {
                Step::Measure(batch) => {
                    ran.push(batch);
                    assert!(ran.len() < 64, "{ran:?}");
                    if self.bytes(batch) > self.budget {
                        search.ran_out(batch);
                    } else {
                        search.measured(self.base, Point { batch, bytes: self.bytes(batch), rate: self.rate(batch) });
                    }
                }
                step => return (step, ran),
            }
        }
    }
}

const DEVICE: Device = Device { base: 400, each: 10, overhead: 8.0, budget: 1400 };

#[test]
fn every_choice_fits_and_is_large_enough_or_fast_enough() {
    for most in [1, 3, 16, 64, 1000] {
        for budget in (420..9000).step_by(37) {
            for overhead in [0.0, 0.3, 4.0, 100.0] {
                let device = Device { overhead, budget, ..DEVICE };
                let (step, ran) = device.search(most);
                let Step::Found(found) = step else { panic!("{budget} {overhead}: {step:?}") };
                let best = device.most(most);
                assert!(device.bytes(found.batch) <= budget && found.batch <= most);
                let fastest = device.rate(best);
                let (large, fast) =
                    (found.batch as f64 >= 0.8 * best as f64, device.rate(found.batch) >= 0.97 * fastest);
                // Of four images or fewer, one less is more than a fifth.
                assert!(large || fast || best - found.batch <= 1, "{budget} {overhead} {most}: {found:?} of {best}");
                assert!(ran.iter().all(|batch| device.bytes(*batch) <= budget), "{ran:?} ran out of {budget}");
            }
        }
    }
}

#[test]
fn a_batch_that_is_no_faster_ends_the_search_at_once() {
    let (step, ran) = Device { overhead: 0.0, ..DEVICE }.search(64);
    // Each of a second and more: nothing that disturbs is as long.
    assert_eq!(ran, [1, 4]);
    assert!(matches!(step, Step::Found(Found { batch: 1, bound: Bound::Speed, .. })), "{step:?}");
}

#[test]
fn a_short_batch_that_met_a_busy_machine_does_not_end_the_search() {
    let mut search = Search::new(1000, None, 0.1);
    for (batch, rate) in [(1, 1000.0), (4, 900.0), (16, 3000.0), (64, 2990.0)] {
        assert_eq!(search.next(), Step::Measure(batch));
        search.measured(400, Point { batch, bytes: 400, rate });
    }
    assert_eq!(search.next(), Step::Measure(256));
    search.measured(400, Point { batch: 256, bytes: 400, rate: 3010.0 });
    assert!(matches!(search.next(), Step::Found(Found { batch: 16, bound: Bound::Speed, .. })));
}

#[test]
fn memory_ends_the_search_below_the_margin() {
    // 10 % of the 1000 bytes above the model stay free: 90 images; bisection would find 100.
    let (step, ran) = Device { overhead: 1e6, ..DEVICE }.search(1000);
    assert_eq!(ran, [1, 4, 16, 64, 90]);
    assert!(matches!(step, Step::Found(Found { batch: 90, bound: Bound::Memory, .. })), "{step:?}");
}

#[test]
fn a_line_that_was_wrong_costs_three_batches_at_most() {
    // Up to 8 images cost nothing, the ninth takes all.
    let mut search = Search::new(64, Some(1000), 0.1);
    let mut burnt = Vec::new();
    let step = loop {
        match search.next() {
            Step::Measure(batch) if batch > 8 => {
                burnt.push(batch);
                search.ran_out(batch);
            }
            Step::Measure(batch) => search.measured(400, Point { batch, bytes: 410, rate: batch as f64 }),
            step => break step,
        }
    };
    assert_eq!(burnt, [16, 10, 9]);
    assert!(matches!(step, Step::Found(Found { batch: 8, bound: Bound::Memory, .. })), "{step:?}");
}

#[test]
fn one_image_that_runs_out_does_not_fit() {
    let (step, ran) = Device { budget: 405, ..DEVICE }.search(64);
    assert_eq!((step, ran), (Step::NoRoom, vec![1]));
}

#[test]
fn one_image_may_use_up_the_margin() {
    let (step, _) = Device { budget: 410, ..DEVICE }.search(64);
    assert!(matches!(step, Step::Found(Found { batch: 1, .. })), "{step:?}");
}

#[test]
fn a_budget_that_shrinks_on_the_way_counts() {
    let mut search = Search::new(64, Some(10_000), 0.1);
    for batch in [1, 4, 16] {
        assert_eq!(search.next(), Step::Measure(batch));
        search.measured(400, Point { batch, bytes: 400 + 10 * batch as u64, rate: batch as f64 });
    }
    search.allow(Some(590));
    assert!(matches!(search.next(), Step::Found(Found { batch: 16, bound: Bound::Memory, .. })));
}

#[test]
fn bisection_halves_what_is_left_with_every_batch() {
    assert_eq!([1, 2, 3, 4, 64, 1000].map(bisection), [1, 2, 2, 3, 7, 10]);
}
