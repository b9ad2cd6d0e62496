//! Metrics of random subsets, with subsets that are given by a formula.

use serde_json::json;

use super::network::{Network, SHAPE, each, explained, gradient, images};
use super::{assert_close, maps, scores, scores_of, without_labels};
use crate::families::subsets::changes::falls;
use crate::families::subsets::sums::sums;
use crate::fill::Fill;
use crate::numbers::pearson;

/// Subset number `run` of `size` values.
fn subset(run: usize, size: usize) -> Vec<bool> {
    let mut inside = vec![false; 32];
    (0..size).for_each(|m| inside[(5 * run + 3 * m) % 32] = true);
    inside
}

/// Correlations of the sums (0: with signs, 1: without) with the falls of the logit for subsets of `size` values.
fn correlations(size: usize, fill: Fill, kind: usize) -> Vec<f64> {
    let mut found = Vec::new();
    let subsets = || (0..10).map(|run| subset(run, size));
    let column = |values: &[f32], at: usize, of: usize| -> Vec<f64> {
        values.iter().skip(at).step_by(of).map(|value| f64::from(*value)).collect()
    };
    each(&maps(), |subject| {
        let falls = falls(subject, (fill, Some(subject.predicted)), subsets(), &mut Network::default()).unwrap();
        found.push(pearson(&column(&sums(subject, subsets()), kind, 3), &column(&falls, 1, 2)));
    });
    found
}

#[test]
fn sums_and_falls_correlate_as_in_the_vectors() {
    assert_close(&correlations(8, Fill::Min, 0), &[-0.883_826, -0.138_140]);
    assert_close(&correlations(8, Fill::Min, 1), &[-0.288_625, -0.405_049]);
    let zero = Fill::Constant(0.0);
    assert_close(&correlations(4, zero, 0), &[-0.610_494, -0.027_424]);
    assert_close(&correlations(16, zero, 0), &[-0.931_164, 0.459_269]);
}

#[test]
fn a_constant_map_correlates_with_nothing_and_is_undefined() {
    let constant = [vec![0.5; 32], vec![0.5; 32]];
    let given = json!({"runs": 20, "subset_size": 8});
    assert!(scores_of("FaithfulnessCorrelation", given.clone(), &constant).iter().all(|score| score.is_nan()));
    let defined = scores_of("FaithfulnessCorrelation", given, &maps());
    assert!(defined.iter().all(|score| (-1.0..=1.0).contains(score)), "{defined:?}");
}

/// The fall of the logit is nearly the sum of input times gradient where single values are removed.
#[test]
fn input_times_gradient_is_faithful_for_single_values() {
    let [first, second] = images();
    let maps = [explained(&first, 2), explained(&second, 1)];
    for class in ["FaithfulnessCorrelation", "SensitivityN"] {
        let scores = scores_of(class, json!({"runs": 50, "subset_size": 1}), &maps);
        assert!(scores.iter().all(|score| *score > 0.95), "{class}: {scores:?}");
    }
}

/// The falls of an image without its label are undefined, and so are their ranks and their number.
#[test]
fn a_score_of_a_label_that_is_not_there_is_undefined() {
    for class in [
        "FaithfulnessCorrelation",
        "MuFidelity",
        "SensitivityN",
        "Infidelity",
        "FaithfulnessEstimate",
        "NonSensitivity",
    ] {
        let small = match class {
            "FaithfulnessCorrelation" | "SensitivityN" => json!({"target": "label", "runs": 5, "subset_size": 4}),
            "MuFidelity" => json!({"target": "label", "runs": 5, "grid": 2}),
            _ => json!({"target": "label", "square": 2}),
        };
        let known = scores(class, small.clone());
        assert!(known.iter().all(|score| score.is_finite()), "{class}: {known:?}");
        let unknown = without_labels(class, small);
        assert!(unknown.iter().all(|score| score.is_nan()), "{class}: {unknown:?}");
    }
}

#[test]
fn a_logarithm_whose_fall_is_not_measured_is_refused_and_not_taken_for_the_probability() {
    for entry in
        crate::metrics::METRICS.iter().filter(|entry| entry.parameters.iter().any(|known| known.name == "score"))
    {
        let given: sweep::parameters::Parameters = serde_json::from_value(json!({"score": "log_probability"})).unwrap();
        let Ok(checked) = given.checked(entry.parameters) else { continue };
        let measured = (entry.build)(&checked).unwrap().measured();
        assert!(measured.iter().all(|measured| measured.family.name() == "curve"), "{}", entry.name);
    }
}

#[test]
fn a_gradient_is_less_unfaithful_than_a_map_of_another_image() {
    let [first, second] = images();
    let own = [gradient(&first, 2), gradient(&second, 1)];
    let other = [gradient(&second, 1), gradient(&first, 2)];
    let given = json!({"runs": 50, "square": 2, "scaled": true});
    let (own, other) = (scores_of("Infidelity", given.clone(), &own), scores_of("Infidelity", given, &other));
    assert!(own.iter().zip(&other).all(|(own, other)| own < other), "{own:?} {other:?}");
    assert_eq!(SHAPE.iter().product::<usize>(), 32);
}

#[test]
fn infidelity_over_all_squares_is_that_of_the_vectors() {
    let squares = |scaled: bool| json!({"cut": "patches", "square": 2, "scaled": scaled});
    assert_close(&scores("Infidelity", squares(false)), &[0.587_837, 1.954_181]);
    assert_close(&scores("Infidelity", squares(true)), &[0.101_100, 0.274_086]);
    let [first, second] = images();
    let gradients = [gradient(&first, 2), gradient(&second, 1)];
    assert_close(&scores_of("Infidelity", squares(false), &gradients), &[0.005_007, 0.002_825]);
}

#[test]
fn single_values_are_estimated_and_counted_as_in_the_vectors() {
    let values = json!({"cut": "values"});
    assert_close(&scores("FaithfulnessEstimate", values.clone()), &[-0.380_750, -0.093_685]);
    let some_zero = maps().map(|map| map.iter().enumerate().map(|(i, a)| if i < 6 { 0.0 } else { *a }).collect());
    assert_close(&scores_of("NonSensitivity", values, &some_zero), &[13.0, 13.0]);
}

#[test]
fn the_sum_of_a_map_is_off_the_fall_of_the_logit_as_in_the_vectors() {
    let [first, second] = images();
    let own = [explained(&first, 2), explained(&second, 1)];
    assert_close(&scores_of("Completeness", json!({}), &own), &[0.560_253, 0.153_231]);
    // A share of the fall: 1 for a map of zeros.
    assert_close(&scores_of("Completeness", json!({"share": true}), &[vec![0.0; 32], vec![0.0; 32]]), &[1.0, 1.0]);
}
