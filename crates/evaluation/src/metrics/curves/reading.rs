//! Reading of curves: heights of one order or of both, and metrics that are one number of them.

use sweep::parameters::{ParameterError, Parameters};

use crate::families::Curve;
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric, Row};
use crate::numbers::mean;

/// Number of values of a point: probability, logit, class.
const VALUES: usize = 3;

/// Output of the model that is followed.
#[derive(Clone, Copy, Debug)]
enum Score {
    Probability,
    Logit,
    LogProbability,
}

impl Score {
    fn of(parameters: &Parameters) -> Result<Self, ParameterError> {
        Ok(match parameters.word("score")? {
            "logit" => Self::Logit,
            "log_probability" => Self::LogProbability,
            _ => Self::Probability,
        })
    }
}

/// Copy of `parameters` in which patches are removed one at a time.
pub(super) fn patch_by_patch(parameters: &Parameters) -> Parameters {
    let mut parameters = parameters.clone();
    parameters.0.insert("per_step".to_owned(), 1.into());
    parameters
}

/// Metric that is the `number` of the curve of these parameters in this `order`, the whole image first.
pub(super) fn of_curve(
    parameters: &Parameters,
    order: &str,
    number: fn(&[f64]) -> f64,
) -> Result<Box<dyn Metric>, ParameterError> {
    let (measured, score) = (Measured::with(&Curve, parameters).set("order", order), Score::of(parameters)?);
    Ok(of_row(measured, move |row| number(&heights(row, 0, score))))
}

/// Metric that is the `number` of both curves of these parameters: the most relevant first, and the least relevant first.
pub(super) fn of_both(
    parameters: &Parameters,
    number: fn(&[f64], &[f64]) -> f64,
) -> Result<Box<dyn Metric>, ParameterError> {
    let (measured, score) = (Measured::with(&Curve, parameters).set("order", "both"), Score::of(parameters)?);
    Ok(of_row(measured, move |row| number(&heights(row, 0, score), &heights(row, 1, score))))
}

/// Area over the perturbation curve: the mean fall, with that of the whole image, which is 0.
pub(super) fn area_over(heights: &[f64]) -> f64 {
    mean(&heights.iter().map(|height| heights[0] - height).collect::<Vec<_>>())
}

/// Mean height without the whole image.
pub(super) fn mean_after(heights: &[f64]) -> f64 {
    mean(&heights[1.min(heights.len())..])
}

/// Heights of the curve of order number `order`.
fn heights(row: &Row<'_>, order: usize, score: Score) -> Vec<f64> {
    let points = row.values.chunks(VALUES).skip(order * row.size(1)).take(row.size(1));
    let height = |point: &[f32]| match (score, point) {
        (Score::Probability, [probability, ..]) => f64::from(*probability),
        (Score::LogProbability, [probability, ..]) => f64::from(*probability).ln(),
        (Score::Logit, [_, logit, ..]) => f64::from(*logit),
        _ => f64::NAN,
    };
    points.map(height).collect()
}
