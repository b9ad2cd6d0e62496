//! Effective complexity: number of values that are not negligible.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind};

use super::reading::of_shape;
use crate::metrics::Entry;
use crate::parameters::{channels, parameter};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "EffectiveComplexity",
    summary: "number of values above a share of the largest one of the same map",
    reference: "Nguyen and Martinez 2020, https://arxiv.org/abs/2007.07584",
    direction: Direction::Lower,
    parameters: &[
        channels("each"),
        parameter(
            "epsilon",
            "share of the largest value above which a value counts",
            Kind::Number { least: 0.0, most: 1.0 },
            Some(Default::Number(1e-5)),
        ),
    ],
    build: |parameters| Ok(of_shape(parameters, "effective")),
};
