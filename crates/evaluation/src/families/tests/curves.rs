//! Metrics of curves.

use serde_json::json;

use super::{assert_close, scores};
use crate::fill::Fill;

#[test]
fn deletion_and_insertion_are_mean_heights() {
    let four = json!({"per_step": 4, "baseline": 0.0});
    assert_close(&scores("Deletion", four.clone()), &[0.542_061, 0.363_046]);
    assert_close(&scores("Insertion", four), &[0.255_813, 0.489_664]);
    // Four steps of sixteen pixels are the same counts.
    assert_close(&scores("Deletion", json!({"steps": 4})), &[0.542_061, 0.363_046]);
}

#[test]
fn pixel_flipping_is_ours_by_pixels_or_by_values_and_that_of_quantus_on_request() {
    let eight = |semantics: &str| json!({"per_step": 8, "channels": "each", "semantics": semantics});
    assert_close(&scores("PixelFlipping", eight("quantus")), &[1.662_835, 0.998_576]);
    assert_close(&scores("PixelFlipping", eight("exact")), &[0.546_350, 0.363_046]);
}

#[test]
fn patches_are_ranked_by_their_sum_and_removed_one_after_the_other() {
    let patches = |order: &str| json!({"patch_size": 2, "order": order});
    assert_close(&scores("RegionPerturbation", patches("morf")), &[0.038_105, 0.069_671]);
    assert_close(&scores("RegionPerturbation", patches("lerf")), &[0.171_829, 0.087_193]);
    let quantus = json!({"patch_size": 2, "semantics": "quantus"});
    assert_close(&scores("Selectivity", quantus), &[1.373_794, 1.164_226]);
}

#[test]
fn comprehensiveness_and_sufficiency_remove_shares_of_values() {
    let at = |percent: i64| json!({"percent": percent});
    let removed = [(10, [-0.004_520, -0.111_999]), (20, [0.016_887, -0.115_945]), (50, [-0.221_150, 0.114_088])];
    for (percent, wanted) in removed {
        assert_close(&scores("Comprehensiveness", at(percent)), &wanted);
    }
    let kept = [(10, [0.395_567, 0.222_363]), (20, [0.385_390, 0.232_016]), (50, [0.322_343, 0.029_313])];
    for (percent, wanted) in kept {
        assert_close(&scores("Sufficiency", at(percent)), &wanted);
    }
}

/// The mean of 25 %, 50 % and 75 % of the pixels, imputed.
#[test]
fn road_follows_the_probability_of_imputed_images() {
    let three = |order: &str| json!({"steps": 4, "most": 3, "order": order});
    let mean = |a: f64, b: f64, c: f64| (a + b + c) / 3.0;
    let most = [mean(0.537_308, 0.450_887, 0.306_486), mean(0.478_004, 0.317_568, 0.411_108)];
    let least = [mean(0.424_339, 0.265_425, 0.202_343), mean(0.532_927, 0.352_869, 0.387_252)];
    assert_close(&scores("ROAD", three("morf")), &most);
    assert_close(&scores("ROAD", three("lerf")), &least);
}

#[test]
fn curves_in_both_orders_are_compared() {
    // Differences of the numbers of single orders.
    assert_close(&scores("ABPC", json!({"patch_size": 2})), &[0.038_105 - 0.171_829, 0.069_671 - 0.087_193]);
    let sums = [
        (0.424_339 + 0.265_425 + 0.202_343, 0.537_308 + 0.450_887 + 0.306_486),
        (0.532_927 + 0.352_869 + 0.387_252, 0.478_004 + 0.317_568 + 0.411_108),
    ];
    let wanted = sums.map(|(least, most): (f64, f64)| (least - most) / 6.0);
    assert_close(&scores("ROADCombined", json!({"steps": 4, "most": 3})), &wanted);
}

#[test]
fn squares_are_removed_for_the_mean_of_the_image_or_of_its_channels() {
    assert_close(&scores("IROF", json!({"patch_size": 2})), &[0.198_483, 0.117_788]);
    assert_close(&scores("IROF", json!({"patch_size": 2, "baseline": "channel_mean"})), &[0.215_126, 0.076_921]);
}

/// With logarithms, which are below zero, a map that finds more of the fall got the lower number.
#[test]
fn shares_are_taken_of_outputs_above_zero_alone() {
    let entry = crate::metrics::find("IROF").unwrap();
    let checked = |score: &str| {
        let given: sweep::parameters::Parameters = serde_json::from_value(json!({"score": score})).unwrap();
        given.checked(entry.parameters)
    };
    assert!(checked("log_probability").is_err());
    let metric = (entry.build)(&checked("logit").unwrap()).unwrap();
    let axes = [("order", 1), ("step", 3), ("value", 3)].map(|(name, size)| crate::families::family::axis(name, size));
    let of = |logits: [f32; 3]| {
        let values: Vec<f32> = logits.iter().flat_map(|logit| [0.5, *logit, 0.0]).collect();
        metric.score(&[crate::metrics::Row { values: &values, axes: &axes }])
    };
    assert!((of([4.0, 2.0, 0.0]) - 0.5).abs() < 1e-12);
    assert!(of([-1.0, -2.0, -3.0]).is_nan() && of([0.0, -1.0, -2.0]).is_nan());
}

/// The pixels (0, 2), (1, 2), (1, 3) and (2, 1) of the first image.
#[test]
fn imputed_pixels_are_the_solution_of_the_linear_system() {
    let image = &super::network::images()[0];
    let removed: Vec<bool> = (0..32).map(|at| [2, 6, 7, 9].contains(&(at % 16))).collect();
    let found = Fill::Imputed.prepare(image, super::network::SHAPE).without(&removed);
    let of = |channel: usize| [2, 6, 7, 9].map(|at| f64::from(found[16 * channel + at]));
    assert_close(&of(0), &[0.440_305, 0.383_080, 0.475_027, 0.516_298]);
    assert_close(&of(1), &[0.479_635, 0.536_360, 0.514_357, 0.385_843]);
}

/// Values are ranked one by one, and all of the first channel are removed: of this nothing is left to impute from, and its mean stands there.
#[test]
fn a_channel_that_is_removed_as_a_whole_does_not_stay() {
    let image = &super::network::images()[0];
    let removed: Vec<bool> = (0..32).map(|at| at < 16).collect();
    let found = Fill::Imputed.prepare(image, super::network::SHAPE).without(&removed);
    let mean = image[..16].iter().sum::<f32>() / 16.0;
    assert!(found[..16].iter().all(|value| (value - mean).abs() < 1e-6), "{found:?}");
    assert_eq!(found[16..], image[16..]);
}

#[test]
fn a_curve_of_a_class_that_is_not_there_is_undefined() {
    let label = json!({"per_step": 4, "target": "label"});
    assert_close(&scores("Deletion", label), &[0.542_061, 0.363_046]);
    let entry = crate::metrics::find("Deletion").unwrap();
    let given: sweep::parameters::Parameters = serde_json::from_value(json!({"target": "label"})).unwrap();
    let metric = (entry.build)(&given.checked(entry.parameters).unwrap()).unwrap();
    let measured = metric.measured().remove(0);
    let parameters = measured.parameters.checked(measured.family.parameters()).unwrap();
    super::each(&super::maps(), |subject| {
        let unknown = crate::Subject { label: None, ..*subject };
        let values = measured.family.measure(&parameters, &unknown, &mut super::Network::default()).unwrap();
        assert!(values.iter().all(|value| value.is_nan()));
    });
}
