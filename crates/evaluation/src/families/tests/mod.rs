//! Families and metrics on a network of five units whose numbers are known.
//!
//! The numbers were computed in double precision by an implementation of its own in numpy. Where Quantus is right they are those of
//! Quantus 0.6.0 with the same draws.

mod curves;
mod faded;
mod inside;
mod network;
mod others;
mod repeated;
mod shapes;
mod subsets;

use serde_json::Value;
use sweep::parameters::Parameters;

use crate::{Row, metrics};

use network::{Network, each, maps};

/// Largest relative error.
const OFF: f64 = 2e-6;

/// Scores of the two images and `maps` by the metric `class`.
fn scores_of(class: &str, given: Value, maps: &[Vec<f32>; 2]) -> Vec<f64> {
    scores_if(class, given, maps, true)
}

/// Scores of the maps of the vectors, where no image has a label.
fn without_labels(class: &str, given: Value) -> Vec<f64> {
    scores_if(class, given, &maps(), false)
}

fn scores_if(class: &str, given: Value, maps: &[Vec<f32>; 2], labelled: bool) -> Vec<f64> {
    let entry = metrics::find(class).unwrap();
    let given: Parameters = serde_json::from_value(given).unwrap();
    let metric = (entry.build)(&given.checked(entry.parameters).unwrap()).unwrap();
    let (mut scores, mut network) = (Vec::new(), Network { rows: 3, ..Network::default() });
    each(maps, |subject| {
        let subject = &crate::Subject { label: subject.label.filter(|_| labelled), ..*subject };
        let measured = metric.measured();
        let values: Vec<_> = measured
            .iter()
            .map(|measured| {
                let mut given = measured.parameters.clone();
                if measured.family.parameters().iter().any(|parameter| parameter.name == "masks") {
                    given.0.insert("masks".to_owned(), "0a".into());
                }
                let parameters = given.checked(measured.family.parameters()).unwrap();
                let axes = measured.family.axes(&parameters, subject.shape).unwrap();
                let before = network.passes;
                let models = measured.family.models(&parameters).len();
                let values: Vec<f32> = (0..models)
                    .flat_map(|model| {
                        let subject = crate::Subject { model, ..*subject };
                        measured.family.measure(&parameters, &subject, &mut network).unwrap()
                    })
                    .collect();
                let cost = measured.family.cost(&parameters, subject.shape);
                assert_eq!((network.passes - before) as u64, cost.passes, "passes of {}", measured.family.name());
                assert_eq!(values.len() as u64, axes.iter().map(|axis| axis.size).product::<u64>());
                (values, axes)
            })
            .collect();
        let rows: Vec<Row<'_>> = values.iter().map(|(values, axes)| Row { values, axes }).collect();
        scores.push(metric.score(&rows));
    });
    scores
}

/// Scores of the maps of the vectors.
fn scores(class: &str, given: Value) -> Vec<f64> {
    scores_of(class, given, &maps())
}

#[track_caller]
fn assert_close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    let close = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= OFF * b.abs().max(1.0));
    assert!(close, "{found:?}, expected {wanted:?}");
}
