//! Complexity: entropy of the values without their signs.

use sweep::evaluation::Direction;

use super::reading::of_shape;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Complexity",
    summary: "entropy of the values without their signs, as shares of their sum, in nats",
    reference: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631",
    direction: Direction::Lower,
    parameters: &[channels("each")],
    build: |parameters| Ok(of_shape(parameters, "entropy")),
};
