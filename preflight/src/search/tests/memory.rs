//! Budgets, margins, and memory that others take.

use super::*;

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
