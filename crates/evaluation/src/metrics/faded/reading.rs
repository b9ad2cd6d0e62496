//! Metrics that are one number of the probabilities of an image, of what its map leaves, and of the rest.

use sweep::parameters::Parameters;

use crate::families::Soft;
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric};

/// Metric that is the `number` of three probabilities.
pub(super) fn of_faded(parameters: &Parameters, number: fn(f64, f64, f64) -> f64) -> Box<dyn Metric> {
    of_row(Measured::with(&Soft, parameters), move |row| {
        let [whole, left, rest] = [0, 1, 2].map(|point| row.at(point * row.size(1)));
        // What is undefined is no 0, as the largest of 0 and NaN would be.
        if whole.is_nan() || left.is_nan() || rest.is_nan() { f64::NAN } else { number(whole, left, rest) }
    })
}
