//! Relative output stability: relative change of the map for a change of the logits.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{Floor, Ratio, largest, of_copies};
use crate::families::Quantity;
use crate::metrics::Entry;
use crate::parameters::{NORMALISE, SAMPLES, high, low, std};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RelativeOutputStability",
    summary: "largest norm of the relative change of the map, divided by the norm of the change of the logits, over copies that are predicted alike",
    reference: "Agarwal et al. 2022, https://arxiv.org/abs/2203.06877",
    direction: Direction::Lower,
    parameters: &[SAMPLES, low(0.02), high(0.2), std(Some(Default::Absent)), NORMALISE],
    build: |parameters| {
        let ratio = Ratio {
            of: [Quantity::RelativeMap, Quantity::Logits],
            floor: Floor::InPlaceOfZero(1e-6),
            only_same_class: true,
        };
        Ok(of_copies(parameters, ratio, largest))
    },
};
