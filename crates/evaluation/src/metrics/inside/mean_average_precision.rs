//! Average precision of the map as a segmentation.

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MeanAveragePrecision",
    summary: "average precision of the map, scaled to 0 to 1, for the object and of what is left of 1 for the background",
    reference: "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "precision")),
};
