//! F1 score of the map as a segmentation.

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "F1",
    summary: "F1 score of the object where pixels of the map are above its mean",
    reference: "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "f1")),
};
