//! Pixel accuracy of the map as a segmentation.

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "PixelAccuracy",
    summary: "share of pixels that the map, above its mean, and the mask agree on",
    reference: "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "accuracy")),
};
