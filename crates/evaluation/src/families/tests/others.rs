//! Metrics of other models and other methods.

use serde_json::json;

use super::network::{explained, images};
use super::{assert_close, scores, scores_of};
use crate::numbers::{histogram_entropy, structural};

/// The other map of both images is that of the second.
#[test]
fn maps_agree_as_in_the_vectors_and_with_themselves() {
    let with = |similarity: &str| json!({"with": "Other", "similarity": similarity, "top": 25});
    let spearman = scores("Agreement", with("spearman"));
    assert_close(&spearman, &[-0.125, 1.0]);
    // Eight of 32 values.
    assert_close(&scores("Agreement", with("jaccard")), &[0.142_857, 1.0]);
    assert_close(&scores("Agreement", with("cosine"))[1..], &[1.0]);
    // Planes of 4x4 pixels have no window.
    assert!(scores("Agreement", with("ssim")).iter().all(|score| score.is_nan()));
    let constant = [vec![0.5; 32], vec![0.5; 32]];
    assert!(scores_of("Agreement", with("spearman"), &constant).iter().all(|score| score.is_nan()));
}

/// `skimage.metrics.structural_similarity` of the two maps of 9x8 pixels, with the range of both: scikit-image 0.26 gives the same.
#[test]
fn structural_similarity_is_that_of_scikit_image() {
    let plane =
        |step: usize, first: usize| -> Vec<f64> { (0..72).map(|i| ((step * i + first) % 37) as f64 / 36.0).collect() };
    let (one, other) = (plane(11, 5), plane(7, 2));
    assert!((structural(&one, &other, [9, 8]) - SSIM).abs() < 1e-12, "{}", structural(&one, &other, [9, 8]));
    assert!((structural(&one, &one, [9, 8]) - 1.0).abs() < 1e-15);
    // Two planes are as like as their mean.
    let twice = |plane: &[f64]| [plane, plane].concat();
    assert!((structural(&twice(&one), &twice(&other), [9, 8]) - SSIM).abs() < 1e-12);
    assert!(structural(&[1.0; 72], &[1.0; 72], [9, 8]).is_nan());
}

const SSIM: f64 = -0.100_755_351_471_194_84;

/// scipy.stats.entropy(numpy.histogram(values, 100)[0]).
#[test]
fn the_entropy_of_a_histogram_is_that_of_its_bins() {
    // Four values in four bins, two of them twice as often: 2/6 twice and 1/6 twice.
    let wanted = -(2.0 * (1.0 / 3.0_f64) * (1.0 / 3.0_f64).ln() + 2.0 * (1.0 / 6.0_f64) * (1.0 / 6.0_f64).ln());
    assert!((histogram_entropy(&[0.0, 0.0, 1.0, 2.0, 3.0, 3.0]) - wanted).abs() < 1e-15);
    assert_eq!(histogram_entropy(&[2.0; 5]), 0.0);
}

/// The network of these tests is the same in each portion: what is alike is 1, and the entropies are equal.
#[test]
fn a_model_that_does_not_change_has_maps_that_are_alike() {
    let [first, second] = images();
    let own = [explained(&first, 2), explained(&second, 1)];
    for order in ["top_down", "bottom_up", "independent"] {
        assert_close(&scores_of("MPRT", json!({"steps": 3, "order": order}), &own), &[1.0, 1.0]);
    }
    assert_close(&scores_of("EfficientMPRT", json!({}), &own), &[0.0, 0.0]);
    let signs = scores_of(
        "MPRT",
        json!({"at": "last", "abs": false}),
        &own.map(|map| map.iter().map(|value| -value).collect()),
    );
    assert_close(&signs, &[-1.0, -1.0]);
}
