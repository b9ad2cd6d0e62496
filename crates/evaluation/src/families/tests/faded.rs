//! Metrics of faded images, and of other classes.

use serde_json::json;

use super::network::{explained, images};
use super::{assert_close, scores, scores_of};

#[test]
fn drops_and_gains_are_those_of_the_vectors() {
    assert_close(&scores("AverageDrop", json!({})), &[48.232_132, 3.340_677]);
    assert_close(&scores("AverageDropInDeletion", json!({})), &[-19.765_550, 25.058_602]);
    assert_close(&scores("AverageIncrease", json!({})), &[0.0, 0.0]);
    assert_close(&scores("AverageGain", json!({})), &[0.0, 0.0]);
}

#[test]
fn a_constant_map_is_no_mask_and_its_drop_is_undefined() {
    let constant = [vec![0.5; 32], vec![0.5; 32]];
    for class in ["AverageDrop", "AverageIncrease", "AverageGain", "AverageDropInDeletion"] {
        assert!(scores_of(class, json!({}), &constant).iter().all(|score| score.is_nan()), "{class}");
    }
}

#[test]
fn the_map_of_the_next_class_is_as_like_as_in_the_vectors() {
    let [first, second] = images();
    let own = [explained(&first, 2), explained(&second, 1)];
    let next = |similarity: &str| json!({"class": "next", "similarity": similarity});
    assert_close(&scores_of("RandomLogit", next("spearman"), &own), &[-0.101_540, 0.603_006]);
    assert_close(&scores_of("RandomLogit", next("cosine"), &own), &[-0.121_463, 0.469_724]);
    // Of three classes another one is the next, or the one before.
    let drawn = scores_of("RandomLogit", json!({}), &own);
    assert!(drawn.iter().all(|score| *score < 0.99) && drawn == scores_of("RandomLogit", json!({}), &own));
}
