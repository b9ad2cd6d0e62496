//! Metrics that are one number of the probabilities of an image, of what its map leaves, and of the rest.

use sweep::parameters::Parameters;

use crate::families::Soft;
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric};

/// Share that `part` has in `all`; none where `part` is zero or less, also of nothing at all: a model that is quite sure cannot win.
pub(super) fn share(part: f64, all: f64) -> f64 {
    if part > 0.0 { part / all } else { 0.0 }
}

/// Metric that is the `number` of three probabilities.
pub(super) fn of_faded(parameters: &Parameters, number: fn(f64, f64, f64) -> f64) -> Box<dyn Metric> {
    of_row(Measured::with(&Soft, parameters), move |row| {
        let [whole, left, rest] = [0, 1, 2].map(|point| row.at(point * row.size(1)));
        // What is undefined is no 0, as the largest of 0 and NaN would be.
        if whole.is_nan() || left.is_nan() || rest.is_nan() { f64::NAN } else { number(whole, left, rest) }
    })
}

#[cfg(test)]
mod tests {
    use super::share;

    /// In single precision the probability of a sure model is 1, and nothing is missing to certainty.
    #[test]
    fn a_sure_model_wins_nothing_and_one_that_gives_nothing_loses_nothing() {
        assert_eq!((share(0.9 - 1.0, 1.0 - 1.0), share(0.0 - 0.1, 0.0)), (0.0, 0.0));
        assert_eq!((share(0.25, 0.5), share(-0.25, 0.5)), (0.5, 0.0));
        assert!(share(f64::NAN, 0.5) == 0.0, "who asks has looked for what is undefined");
    }
}
