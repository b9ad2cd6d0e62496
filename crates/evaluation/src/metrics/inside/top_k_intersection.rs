//! Top-k intersection: how many of the k largest pixels lie in the object?

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::families::TOP_PIXELS;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "TopKIntersection",
    summary: "share of the k largest pixels that lies inside the mask",
    reference: "Theiner et al. 2021, https://arxiv.org/abs/2104.14995",
    direction: Direction::Higher,
    parameters: &[TOP_PIXELS, channels("sum")],
    build: |parameters| Ok(of_object(parameters, "top")),
};
