//! Metrics of masks: the four pixels in the middle of the images.

use serde_json::{Value, json};

use super::network::{Network, each, maps};
use super::{assert_close, scores, scores_of};
use crate::{Family, Subject, families::Inside};

#[test]
fn maps_and_masks_are_compared_as_in_the_vectors() {
    let table: [(&str, Value, [f64; 2]); 9] = [
        ("PointingGame", json!({}), [1.0, 1.0]),
        ("RelevanceMassAccuracy", json!({}), [0.520_737, 0.295_059]),
        ("RelevanceMassAccuracy", json!({"mass": "signed"}), [0.786_543, 0.25]),
        ("RelevanceMassAccuracy", json!({"mass": "abs"}), [0.389_208, 0.325_203]),
        ("RelevanceRankAccuracy", json!({}), [0.5, 0.5]),
        ("TopKIntersection", json!({"k": 6}), [1.0 / 3.0, 1.0 / 3.0]),
        ("AUC", json!({}), [0.833_333, 0.5]),
        ("AttributionLocalisation", json!({}), [0.520_737, 0.295_059]),
        // Four of sixteen pixels.
        ("AttributionLocalisation", json!({"weighted": true}), [4.0 * 0.520_737, 4.0 * 0.295_059]),
    ];
    for (class, given, wanted) in table {
        let found = scores(class, given);
        // The numbers of the table have six digits.
        let close = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 4e-6);
        assert!(close, "{class}: {found:?}, expected {wanted:?}");
    }
}

/// Intersections 7 and 4, unions 12 and 9; 11 of 16 pixels; the average precision of scikit-learn with equal scores as one step.
#[test]
fn a_map_as_a_segmentation_is_that_of_the_vectors() {
    for (class, wanted) in
        [("PixelAccuracy", 0.6875), ("MeanIoU", 0.513_889), ("MeanAveragePrecision", 0.806_355), ("F1", 0.615_385)]
    {
        assert_close(&scores(class, json!({}))[..1], &[wanted]);
    }
}

#[test]
fn a_constant_map_segments_nothing_and_a_map_of_zeros_has_no_mass() {
    let of = |value: f32| [vec![value; 32], vec![value; 32]];
    for class in ["PixelAccuracy", "MeanIoU", "MeanAveragePrecision", "F1"] {
        assert!(scores_of(class, json!({}), &of(0.5)).iter().all(|score| score.is_nan()), "{class}");
    }
    for class in ["RelevanceMassAccuracy", "AttributionLocalisation"] {
        assert!(scores_of(class, json!({}), &of(0.0)).iter().all(|score| score.is_nan()), "{class}");
    }
    assert_close(&scores_of("AUC", json!({}), &of(0.5)), &[0.5, 0.5]);
    assert_close(&scores_of("RelevanceMassAccuracy", json!({}), &of(0.5)), &[0.25, 0.25]);
}

#[test]
fn a_map_has_no_share_of_more_largest_pixels_than_it_has_pixels() {
    assert!(scores("TopKIntersection", json!({"k": 17})).iter().all(|score| score.is_nan()));
    assert_close(&scores("TopKIntersection", json!({"k": 16})), &[0.25, 0.25]);
}

/// Quantus counts an image without an object as a hit.
#[test]
fn an_image_without_an_object_or_without_a_mask_is_undefined() {
    let parameters = serde_json::from_value::<sweep::parameters::Parameters>(json!({"masks": "0a"})).unwrap();
    let parameters = parameters.checked(Inside.parameters()).unwrap();
    each(&maps(), |subject| {
        for mask in [Some(&[false; 16][..]), None] {
            let values = Inside.measure(&parameters, &Subject { mask, ..*subject }, &mut Network::default()).unwrap();
            assert!(values.iter().all(|value| value.is_nan()));
        }
    });
}
