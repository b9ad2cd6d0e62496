//! Metrics that are one number of the probabilities of an image, of what its map leaves, and of the rest.

use sweep::parameters::Parameters;

use crate::families::Soft;
use crate::metrics::{Measured, Metric, Row};

/// Metric that is the number of three probabilities.
#[derive(Clone, Debug)]
pub(super) struct OfFaded {
    measured: Measured,
    number: fn(f64, f64, f64) -> f64,
}

impl OfFaded {
    pub(super) fn boxed(parameters: &Parameters, number: fn(f64, f64, f64) -> f64) -> Box<dyn Metric> {
        Box::new(Self { measured: Measured::with(&Soft, parameters), number })
    }
}

impl Metric for OfFaded {
    fn measured(&self) -> Vec<Measured> {
        vec![self.measured.clone()]
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        let Some(row) = rows.first() else { return f64::NAN };
        let probability = |point: usize| row.values.get(point * row.size(1)).map_or(f64::NAN, |p| f64::from(*p));
        let [whole, left, rest] = [0, 1, 2].map(probability);
        // What is undefined is no 0, as the largest of 0 and NaN would be.
        if whole.is_nan() || left.is_nan() || rest.is_nan() { f64::NAN } else { (self.number)(whole, left, rest) }
    }
}
