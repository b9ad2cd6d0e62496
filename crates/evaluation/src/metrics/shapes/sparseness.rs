//! Sparseness: Gini index of the values without their signs.

use sweep::evaluation::Direction;

use super::reading::of_shape;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Sparseness",
    summary: "Gini index of the values without their signs: 0 for a constant map, near 1 for a single value",
    reference: "Chalasani et al. 2020, https://arxiv.org/abs/1810.06583",
    direction: Direction::Higher,
    parameters: &[channels("each")],
    build: |parameters| Ok(of_shape(parameters, "gini")),
};
