use super::*;

/// A device whose batches take `100 + 10 b` bytes, and `1 / (1 + overhead / b)` images a second.
fn run(size: &mut BatchSize, limit: u64, overhead: f64) {
    let batch = size.batch();
    let bytes = 100 + 10 * batch as u64;
    if bytes > limit {
        assert!(size.ran_out(batch, 0));
    } else if size.is_measured() {
        let rate = 1.0 / (1.0 + overhead / batch as f64);
        size.measured(Point { batch, bytes, rate }, 100, Some(limit));
    } else {
        size.done();
    }
}

fn settled(mut size: BatchSize, limit: u64, overhead: f64) -> BatchSize {
    for _ in 0..12 {
        run(&mut size, limit, overhead);
    }
    size
}

#[test]
fn a_guess_grows_until_the_next_one_would_not_fit_and_never_runs_out() {
    // 90 % of 1000 bytes leave room for 80 images; 64 is the largest power of two.
    let size = settled(BatchSize::new(4, true), 1000, 1000.0);
    assert_eq!((size.batch(), size.burnt), (64, None));
}

#[test]
fn a_guess_grows_only_while_that_is_faster() {
    // From 8 to 16 images: (1 + 0.5 / 8) / (1 + 0.5 / 16) = 1.030, from 16 to 32: 1.015.
    let size = settled(BatchSize::new(4, true), u64::MAX / 4, 0.5);
    assert_eq!((size.batch(), size.is_measured()), (16, false));
}

#[test]
fn what_was_granted_is_halved_when_memory_runs_out_and_comes_back_with_it() {
    let mut size = settled(BatchSize::new(32, false), 200, 0.0);
    assert_eq!(size.batch(), 8);
    // It was not a guess: what it takes was measured once it fitted.
    let learned = size.learned(&[]).expect("it is another one now");
    assert_eq!((learned.batch, learned.line.at(8), learned.rate), (8, 180, 1.0));
    for _ in 0..40 {
        run(&mut size, 1000, 0.0);
    }
    assert_eq!(size.batch(), 32);
    assert!(size.learned(&[]).is_some_and(|learned| learned.ran_out && learned.batch == 32));
    assert!(size.learned(&[]).is_none());
}

#[test]
fn a_guess_that_had_grown_comes_back_to_what_it_had_grown_to() {
    let mut size = settled(BatchSize::new(4, true), 1000, 1000.0);
    assert_eq!(size.batch(), 64);
    // A neighbour leaves room for four images, and is gone again.
    size = settled(size, 150, 1000.0);
    assert_eq!(size.batch(), 4);
    for _ in 0..40 {
        run(&mut size, 1000, 1000.0);
    }
    assert_eq!(size.batch(), 64);
}

#[test]
fn a_larger_grant_waits_where_memory_ran_out_with_less_and_a_smaller_one_is_taken() {
    let mut size = settled(BatchSize::new(32, false), 200, 0.0);
    size.grant(40, false);
    assert_eq!(size.batch(), 8);
    for _ in 0..60 {
        run(&mut size, 1000, 0.0);
    }
    assert_eq!(size.batch(), 40);
    size.grant(6, false);
    assert_eq!(size.batch(), 6);
}

/// What was slower is not good, though it was computed.
#[test]
fn nothing_comes_back_beyond_what_was_chosen() {
    let mut size = settled(BatchSize::new(4, true), u64::MAX / 4, 0.5);
    assert_eq!(size.batch(), 16);
    size = settled(size, 150, 0.5);
    for _ in 0..100 {
        run(&mut size, u64::MAX / 4, 0.5);
    }
    assert_eq!(size.batch(), 16);
}

#[test]
fn rows_that_were_given_up_come_back_after_the_images_do() {
    let mut size = BatchSize::new(4, false);
    while size.rows(20) > 4 || size.batch() > 2 {
        assert!(size.ran_out(size.batch(), 20));
    }
    let mut seen = vec![(size.rows(20), size.batch())];
    for _ in 0..30 {
        size.done();
        if seen.last() != Some(&(size.rows(20), size.batch())) {
            seen.push((size.rows(20), size.batch()));
        }
    }
    let last = seen.split_off(seen.len() - 3);
    assert_eq!((seen.first(), last), (Some(&(2, 2)), vec![(5, 4), (10, 4), (20, 4)]));
}

#[test]
fn memory_that_stays_away_is_asked_for_now_and_then_only() {
    let mut size = BatchSize::new(32, false);
    let burnt = (0..1000).filter(|_| {
        let before = size.batch();
        run(&mut size, 200, 0.0);
        size.batch() < before
    });
    // 32, 16; then once after every 16 batches.
    assert_eq!(burnt.count(), 2 + 998 / 17);
}

#[test]
fn rows_go_before_images_do() {
    let mut size = BatchSize::new(4, false);
    let rows = |size: &BatchSize| (size.rows(20), size.batch());
    let mut seen = vec![rows(&size)];
    while size.ran_out(size.batch(), 20) {
        seen.push(rows(&size));
    }
    assert_eq!(seen, [(20, 4), (10, 4), (5, 4), (4, 4), (2, 2), (2, 1), (1, 1)]);
}

#[test]
fn one_image_that_does_not_fit_is_the_end() {
    assert!(!BatchSize::new(1, false).ran_out(1, 0));
}

/// A grant may be of more images than a shard has, as the reference's results are.
#[test]
fn memory_that_always_runs_out_makes_every_try_smaller_until_nothing_is_left() {
    for (granted, there, least) in [1, 8, 496, 1536].into_iter().flat_map(|granted| {
        [1, 3, 8, 64].into_iter().flat_map(move |there| [1, 8, 100].map(move |least| (granted, there, least)))
    }) {
        let mut size = BatchSize::new(granted, false);
        let tried = |size: &BatchSize| {
            let here = size.batch().min(there);
            (here, size.rows(least).max(here as i64))
        };
        let mut last = tried(&size);
        while size.ran_out(last.0, least) {
            let next = tried(&size);
            assert!(next < last && next.1 <= last.1, "{granted} granted, {there} there: {last:?}, then {next:?}");
            last = next;
        }
        assert_eq!(last, (1, 1), "{granted} granted, {there} there, {least} rows");
    }
}
