//! Scores of many images, from the values of their measurements.

use sweep::evaluation::{Evaluation, Measurement, Score};
use sweep::parameters::ParameterError;

use super::{Metric, Row, find};

/// Scores of `images` images. `values` gives all values of a measurement, image after image; `None` where they are not there.
///
/// # Errors
/// [`ParameterError`] for a score that no check has seen.
pub fn scores(
    score: &Score,
    evaluation: &Evaluation,
    images: usize,
    values: impl Fn(&Measurement) -> Option<Vec<f32>>,
) -> Result<Vec<f32>, ParameterError> {
    let Some(entry) = find(&score.class) else { return Ok(vec![f32::NAN; images]) };
    let metric = (entry.build)(&score.parameters)?;
    Ok(scores_by(&*metric, score, evaluation, images, values))
}

/// Scores of `images` images by `metric`, as [`scores`] computes them by the metric that `score` names.
pub fn scores_by(
    metric: &dyn Metric,
    score: &Score,
    evaluation: &Evaluation,
    images: usize,
    values: impl Fn(&Measurement) -> Option<Vec<f32>>,
) -> Vec<f32> {
    let named = |key: &String| evaluation.measurements.iter().find(|measurement| measurement.key == *key);
    let measured: Vec<(&Measurement, Vec<f32>)> = score
        .measurements
        .iter()
        .filter_map(|key| named(key).and_then(|measurement| Some((measurement, values(measurement)?))))
        .collect();
    let of_image = |image: usize| {
        let row = |(measurement, values): &'_ (&Measurement, Vec<f32>)| {
            let width = measurement.width() as usize;
            Some((values.get(image * width..(image + 1) * width)?.to_vec(), measurement.axes.clone()))
        };
        let rows: Option<Vec<_>> = measured.iter().map(row).collect();
        let rows = rows.filter(|rows| rows.len() == score.measurements.len());
        // What is not there has no score.
        rows.map_or(f32::NAN, |rows| {
            let rows: Vec<Row<'_>> = rows.iter().map(|(values, axes)| Row { values, axes }).collect();
            let score = metric.score(&rows) as f32;
            // A quotient by zero would be the average of all images.
            if score.is_finite() { score } else { f32::NAN }
        })
    };
    (0..images).map(of_image).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sweep::config;
    use sweep::evaluation::{Direction, Only};
    use sweep::problem::Problems;

    use super::*;
    use crate::ask;

    fn evaluation(metrics: &[(&str, serde_json::Value)]) -> Evaluation {
        let metric = |(class, params): &(&str, serde_json::Value)| config::Metric {
            name: (*class).to_owned(),
            class: (*class).to_owned(),
            params: serde_json::from_value(params.clone()).unwrap(),
            options: config::Options::default(),
            methods: Vec::new(),
            only: Only::All,
            line: 1,
        };
        let metrics: Vec<_> = metrics.iter().map(metric).collect();
        let mut problems = Problems::new(std::path::Path::new("c.yml"));
        let evaluation = ask::evaluation(&metrics, (&[], None), [3, 32, 32], &mut problems);
        assert!(problems.list().is_empty());
        evaluation
    }

    /// The map of the first image is all zeros, and that of a noisy copy is not: the change is no multiple of nothing.
    #[test]
    fn a_quotient_by_zero_is_undefined_and_spoils_no_average() {
        let evaluation = evaluation(&[("MaxSensitivity", json!({"samples": 1}))]);
        let values = [[0.5, 0.0], [0.5, 2.0]].map(|[map, whole]| [map, whole, 1.0, 1.0, 1.0, 1.0, 1.0]).concat();
        let scores = scores(&evaluation.scores[0], &evaluation, 2, |_| Some(values.clone())).unwrap();
        assert!(scores[0].is_nan() && scores[1] == 0.25, "{scores:?}");
    }

    /// Least relevant first, the score is to stay where it falls most relevant first.
    #[test]
    fn the_better_score_is_the_other_one_in_the_other_order() {
        let orders = json!({"order": ["morf", "lerf"]});
        let evaluation =
            evaluation(&[("ROAD", orders.clone()), ("RegionPerturbation", orders), ("Deletion", json!({}))]);
        let directions: Vec<_> = evaluation.scores.iter().map(|score| (score.key.as_str(), score.direction)).collect();
        let wanted = [
            ("ROAD_order_morf", Direction::Lower),
            ("ROAD_order_lerf", Direction::Higher),
            ("RegionPerturbation_order_morf", Direction::Higher),
            ("RegionPerturbation_order_lerf", Direction::Lower),
            ("Deletion", Direction::Lower),
        ];
        assert_eq!(directions, wanted);
    }
}
