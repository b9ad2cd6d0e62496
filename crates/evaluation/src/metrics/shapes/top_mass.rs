//! Mass of the largest values.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::OfShape;
use crate::metrics::Entry;
use crate::parameters::{channels, parameter};

const PERCENT: Parameter = parameter(
    "percent",
    "percentage of the values that count as the largest ones",
    Kind::Integer { least: 1, most: 100 },
    Some(Default::Integer(5)),
);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "TopMass",
    summary: "share of the sum of all values that the largest ones have, without their signs",
    reference: "Hooker et al. 2019, https://arxiv.org/abs/1806.10758",
    direction: Direction::Higher,
    parameters: &[channels("each"), PERCENT],
    build: |parameters| Ok(OfShape::boxed(parameters, "top")),
};
