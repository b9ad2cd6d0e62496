//! Reading of curves: heights of one order, and metrics that are one number of a curve.

use sweep::parameters::{ParameterError, Parameters};

use crate::families::Curve;
use crate::metrics::{Measured, Metric, Row};

/// Number of values of a point: probability, logit, class.
const VALUES: usize = 3;

/// Output of the model that is followed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Score {
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

/// Metric that is one number of a curve in one order.
#[derive(Clone, Debug)]
pub(super) struct OfCurve {
    measured: Measured,
    score: Score,
    /// Number of the heights, the whole image first.
    number: fn(&[f64]) -> f64,
}

impl OfCurve {
    /// Metric that is the `number` of the curve of these parameters, in this `order`.
    pub(super) fn boxed(
        parameters: &Parameters,
        order: &str,
        number: fn(&[f64]) -> f64,
    ) -> Result<Box<dyn Metric>, ParameterError> {
        let measured = Measured::with(&Curve, parameters).set("order", order);
        Ok(Box::new(Self { measured, score: Score::of(parameters)?, number }))
    }
}

impl Metric for OfCurve {
    fn measured(&self) -> Vec<Measured> {
        vec![self.measured.clone()]
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        rows.first().map_or(f64::NAN, |row| (self.number)(&heights(row, 0, self.score)))
    }
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
