//! Avg-sensitivity: the mean relative change of the map under noise.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{Floor, Ratio, of_copies};
use crate::families::Quantity;
use crate::metrics::Entry;
use crate::numbers::mean;
use crate::parameters::{SAMPLES, high, low, std};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AvgSensitivity",
    summary: "mean norm of the change of the map under small noise, divided by the norm of the map",
    reference: "Yeh et al. 2019, https://arxiv.org/abs/1901.09392",
    direction: Direction::Lower,
    parameters: &[SAMPLES, low(-0.2), high(0.2), std(Some(Default::Absent))],
    build: |parameters| {
        let ratio = Ratio { of: [Quantity::Map, Quantity::Whole], floor: Floor::Added(0.0), only_same_class: false };
        Ok(of_copies(parameters, ratio, mean))
    },
};
