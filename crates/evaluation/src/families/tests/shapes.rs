//! Metrics of the shape of a map.

use serde_json::json;

use super::{assert_close, scores, scores_of};

#[test]
fn the_shape_of_a_map_is_that_of_its_values_without_signs() {
    assert_close(&scores("Sparseness", json!({})), &[0.357_998, 0.382_005]);
    assert_close(&scores("Complexity", json!({})), &[3.245_958, 3.227_898]);
    assert_close(&scores("EffectiveComplexity", json!({"epsilon": 0.1})), &[28.0, 28.0]);
    assert_close(&scores("TopMass", json!({})), &[0.138_534, 0.143_438]);
}

#[test]
fn a_map_of_zeros_has_no_shape_and_a_constant_one_has_the_known_numbers() {
    let of = |value: f32| [vec![value; 32], vec![value; 32]];
    assert!(scores_of("Sparseness", json!({}), &of(0.0)).iter().all(|score| score.is_nan()));
    assert!(scores_of("Complexity", json!({}), &of(0.0)).iter().all(|score| score.is_nan()));
    assert_close(&scores_of("Sparseness", json!({}), &of(-3.0)), &[0.0, 0.0]);
    assert_close(&scores_of("Complexity", json!({}), &of(-3.0)), &[32_f64.ln(); 2]);
}

/// A map that is no number in one value is not one without effective values.
#[test]
fn a_map_with_a_value_that_is_no_number_has_no_shape_at_all() {
    let broken = super::maps().map(|mut map| {
        map[3] = f32::NAN;
        map
    });
    for class in ["Sparseness", "Complexity", "EffectiveComplexity", "TopMass"] {
        assert!(scores_of(class, json!({}), &broken).iter().all(|score| score.is_nan()), "{class}");
    }
    assert_close(&scores_of("EffectiveComplexity", json!({}), &[vec![0.0; 32], vec![0.0; 32]]), &[0.0, 0.0]);
}

/// Quantus divides by the largest value of the batch; ours does not depend on the neighbour.
#[test]
fn the_size_of_a_map_does_not_matter() {
    let small = super::maps().map(|map| map.into_iter().map(|value| value * 1e-6).collect());
    assert_close(&scores_of("EffectiveComplexity", json!({"epsilon": 0.1}), &small), &[28.0, 28.0]);
    assert_close(&scores_of("Sparseness", json!({}), &small), &[0.357_998, 0.382_005]);
}
