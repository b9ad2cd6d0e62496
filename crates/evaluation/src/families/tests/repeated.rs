//! Metrics of maps that are made again, with noise that is given by a formula.

use serde_json::json;

use super::network::{Network, each, explained, images};
use super::{assert_close, scores_of};
use crate::families::Again;
use crate::families::again::compared;
use crate::metrics;
use crate::{Family, Row};

/// Input times gradient of the two images.
fn own() -> [Vec<f32>; 2] {
    let [first, second] = images();
    [explained(&first, 2), explained(&second, 1)]
}

/// Scores by `class` where copy r of image n has the noise `low + range * ((3i + 7r + 2n) mod 19) / 18`.
fn scores(class: &str, low: f64, range: f64) -> Vec<f64> {
    let entry = metrics::find(class).unwrap();
    let parameters = sweep::parameters::Parameters::default().checked(entry.parameters).unwrap();
    let metric = (entry.build)(&parameters).unwrap();
    let axes = Again.axes(&metric.measured()[0].parameters.checked(Again.parameters()).unwrap(), [2, 4, 4]).unwrap();
    let (mut found, mut n) = (Vec::new(), 0);
    each(&own(), |subject| {
        let noise = |i: usize, r: usize| low + range * ((3 * i + 7 * r + 2 * n) % 19) as f64 / 18.0;
        let copy = |r: usize| (0..32).map(|i| (f64::from(subject.image[i]) + noise(i, r)) as f32).collect();
        let copies: Vec<Vec<f32>> = (0..3).map(copy).collect();
        let values = compared(subject, &copies, false, &mut Network { rows: 2, ..Network::default() }).unwrap();
        found.push(metric.score(&[Row { values: &values, axes: &axes }]));
        n += 1;
    });
    found
}

#[test]
fn sensitivities_are_those_of_the_vectors() {
    // (m - 9) / 90 for m = 0..18 is -0.1 + 0.2 m / 18.
    assert_close(&scores("MaxSensitivity", -0.1, 0.2), &[0.118_477, 0.105_488]);
    assert_close(&scores("AvgSensitivity", -0.1, 0.2), &[0.113_239, 0.103_143]);
    assert_close(&scores("LocalLipschitzEstimate", -0.1, 0.2), &[0.268_422, 0.326_791]);
}

#[test]
fn relative_stabilities_are_those_of_the_vectors() {
    assert_close(&scores("RelativeInputStability", 0.02, 0.18), &[0.133_897, 0.194_147]);
    // Relative: these are huge, as one value of each map is 0.
    let found = scores("RelativeOutputStability", 0.02, 0.18);
    let wanted = [102_230.802_5, 420_354.067_8];
    assert!(found.iter().zip(wanted).all(|(a, b)| (a / b - 1.0).abs() < 2e-5), "{found:?}");
}

/// Bounds of uniform noise were taken, and changed nothing.
#[test]
fn what_a_metric_does_not_heed_it_does_not_take() {
    let entry = metrics::find("LocalLipschitzEstimate").unwrap();
    for name in ["low", "high"] {
        let given: sweep::parameters::Parameters = serde_json::from_value(json!({name: 0.0})).unwrap();
        assert!(given.checked(entry.parameters).is_err(), "{name}");
    }
}

#[test]
fn copies_without_noise_have_the_map_of_the_image() {
    for class in ["MaxSensitivity", "AvgSensitivity", "RelativeInputStability"] {
        let scores = scores_of(class, json!({"samples": 4, "low": 0.0, "high": 0.0}), &own());
        assert_close(&scores, &[0.0, 0.0]);
    }
    assert_close(&scores_of("LocalLipschitzEstimate", json!({"samples": 4, "std": 0.0}), &own()), &[0.0, 0.0]);
}

#[test]
fn the_size_of_maps_does_not_matter_where_they_are_normalised() {
    let given = |normalise: bool| {
        let mut given = json!({"samples": 3});
        if normalise {
            given["normalise"] = "second_moment".into();
        }
        given
    };
    // The copies' maps are made by the network: so the map of the image alone is larger, and a plain comparison sees it.
    let larger = own().map(|map| map.into_iter().map(|value| value * 4.0).collect());
    let normalised = scores_of("RelativeInputStability", given(true), &own());
    assert_close(&normalised, &scores_of("RelativeInputStability", given(true), &larger));
    assert_ne!(
        scores_of("RelativeInputStability", given(false), &own()),
        scores_of("RelativeInputStability", given(false), &larger)
    );
    // Of a map of zeros nothing is known.
    assert!(
        scores_of("RelativeInputStability", given(true), &[vec![0.0; 32], vec![0.0; 32]])
            .iter()
            .all(|score| score.is_nan())
    );
}
