//! Pointing game: does the largest pixel lie in the object?

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "PointingGame",
    summary: "share of images whose largest pixel lies inside the mask: 1 where it does, else 0",
    reference: "Zhang et al. 2018, https://arxiv.org/abs/1608.00507",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "pointing")),
};
