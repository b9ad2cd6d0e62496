//! Changes of windows are proved by their number and size.

use sweep::computed_by::Path;

use super::super::*;
use super::wrong::Step;
use super::{images, wrong};

#[test]
fn windows_are_proved_by_their_number_and_size() {
    let Some(graph) = wrong(6, Step::Inside) else { return };
    let clean = graph.clean(&images(1)).unwrap();
    let made = |count: i64| {
        let pixels = || images(1).narrow(2, 0, 2).narrow(3, 0, 2).copy();
        (0..count).map(|at| Replacement { image: 0, top: 7, left: 5 + at, pixels: pixels() }).collect::<Vec<_>>()
    };
    let _ = graph.changed(&clean, &made(5)).unwrap();
    let error = graph.changed(&clean, &made(6)).unwrap_err();
    assert!(error.to_string().contains("windows 6 of 2x2 in 16x16 ("), "{error}");
}

/// Nine windows of 128 px are more than the plain graph computes.
#[test]
fn windows_of_large_images_are_proved_once_for_their_number_and_sizes_wherever_they_are() {
    let large = || wave(&[1, 3, 128, 128]).unwrap();
    let made = |count: i64, top: i64, down: i64| {
        let pixels = || large().narrow(2, 0, down).narrow(3, 0, 8).copy();
        (0..count).map(|at| Replacement { image: 0, top, left: 10 + 11 * at, pixels: pixels() }).collect::<Vec<_>>()
    };
    let Some(graph) = wrong(10, Step::Inside) else { return };
    let clean = graph.clean(&large()).unwrap();
    let _ = graph.proved();
    let change = |made: &[Replacement]| graph.changed(&clean, made);
    let (_, again) = (change(&made(9, 40, 8)).unwrap(), change(&made(9, 71, 8)).unwrap());
    let proved = graph.proved();
    assert!(matches!(&proved[..], [one] if one.starts_with("windows 9 of 8x8 in 128x128 (")), "{proved:?}");
    let _ = change(&made(9, 40, 9)).unwrap();
    assert_eq!(graph.proved().len(), 1, "another size");
    let error = change(&made(10, 40, 8)).unwrap_err().to_string();
    assert!(error.contains("windows 10 of 8x8 in 128x128 ("), "{error}");
    // What needed no proof was right all the same: now the graph is plain.
    assert_eq!(graph.path(), Path::Plain);
    let expected = graph.changed(&graph.clean(&large()).unwrap(), &made(9, 71, 8)).unwrap();
    let [off, peak] = [(again - &expected).abs().max(), expected.abs().max()].map(|value| value.double_value(&[]));
    assert!(off < 1e-4 * peak, "off by {off} of {peak}");
}
