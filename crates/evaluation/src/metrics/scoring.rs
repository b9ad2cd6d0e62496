//! Scores of many images, from the values of their measurements.

use sweep::evaluation::{Evaluation, Measurement, Score};
use sweep::parameters::ParameterError;

use super::{Row, find};

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
            metric.score(&rows) as f32
        })
    };
    Ok((0..images).map(of_image).collect())
}
