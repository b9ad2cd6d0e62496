//! Mass of the largest values.

use sweep::evaluation::Direction;

use super::reading::of_shape;
use crate::metrics::Entry;
use crate::parameters::{LARGEST, channels};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "TopMass",
    summary: "share of the sum of all values that the largest ones have, without their signs",
    reference: "Hooker et al. 2019, https://arxiv.org/abs/1806.10758",
    direction: Direction::Higher,
    parameters: &[channels("each"), LARGEST],
    build: |parameters| Ok(of_shape(parameters, "top")),
};
