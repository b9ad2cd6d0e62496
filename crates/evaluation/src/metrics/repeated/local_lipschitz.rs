//! Local Lipschitz estimate: the largest change of the map for a change of the image.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{Floor, Ratio, largest, of_copies};
use crate::families::Quantity;
use crate::metrics::Entry;
use crate::parameters::{SAMPLES, std};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "LocalLipschitzEstimate",
    summary: "largest norm of the change of the map, divided by the norm of the change of the image",
    reference: "Alvarez-Melis and Jaakkola 2018, https://arxiv.org/abs/1806.08049",
    direction: Direction::Lower,
    // Its noise is normal: bounds of uniform noise would change nothing.
    parameters: &[SAMPLES, std(Some(Default::Number(0.1)))],
    build: |parameters| {
        let ratio = Ratio { of: [Quantity::Map, Quantity::Image], floor: Floor::Added(1e-10), only_same_class: false };
        Ok(of_copies(parameters, ratio, largest))
    },
};
