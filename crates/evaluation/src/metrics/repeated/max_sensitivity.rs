//! Max-sensitivity: the largest relative change of the map under noise.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{Floor, OfCopies, SAMPLES, high, largest, low, std};
use crate::families::Quantity;
use crate::metrics::Entry;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MaxSensitivity",
    summary: "largest norm of the change of the map under small noise, divided by the norm of the map",
    reference: "Yeh et al. 2019, https://arxiv.org/abs/1901.09392",
    direction: Direction::Lower,
    parameters: &[SAMPLES, low(-0.2), high(0.2), std(Some(Default::Absent))],
    build: |parameters| {
        Ok(Box::new(OfCopies::new(parameters, [Quantity::Map, Quantity::Whole], Floor::Added(0.0), largest)))
    },
};
