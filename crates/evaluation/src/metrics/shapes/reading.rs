//! Metrics that are one number of a map.

use sweep::parameters::Parameters;

use crate::families::{QUANTITIES, Shape};
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric};

/// Metric that is the number called `quantity`.
pub(super) fn of_shape(parameters: &Parameters, quantity: &'static str) -> Box<dyn Metric> {
    let at = QUANTITIES.iter().position(|known| *known == quantity).unwrap_or(usize::MAX);
    of_row(Measured::with(&Shape, parameters), move |row| row.at(at))
}
