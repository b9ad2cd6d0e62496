//! Metrics that are one number of a map and the mask of an object.

use sweep::parameters::Parameters;

use crate::families::{Inside, OF_OBJECT};
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric};

/// Metric that is the number called `quantity`.
pub(super) fn of_object(parameters: &Parameters, quantity: &'static str) -> Box<dyn Metric> {
    let at = place(quantity);
    of_row(Measured::with(&Inside, parameters), move |row| row.at(at))
}

/// Place of the number called `quantity`.
pub(super) fn place(quantity: &str) -> usize {
    OF_OBJECT.iter().position(|known| *known == quantity).unwrap_or(usize::MAX)
}
