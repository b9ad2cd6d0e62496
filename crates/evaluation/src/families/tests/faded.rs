//! Metrics of faded images, and of other classes.

use serde_json::json;

use super::network::{explained, images};
use super::{assert_close, scores, scores_of};

#[test]
fn drops_and_gains_are_those_of_the_vectors() {
    // Shares of 1 instead of percentages: probabilities are measured in single precision.
    let shares = |class: &str| scores(class, json!({})).iter().map(|score| score / 100.0).collect::<Vec<_>>();
    assert_close(&shares("AverageDrop"), &[0.482_321_32, 0.033_406_77]);
    assert_close(&shares("AverageDropInDeletion"), &[-0.197_655_50, 0.250_586_02]);
    assert_close(&shares("AverageIncrease"), &[0.0, 0.0]);
    assert_close(&shares("AverageGain"), &[0.0, 0.0]);
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
