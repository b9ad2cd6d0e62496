//! Mean intersection over union of the map as a segmentation.

use sweep::evaluation::Direction;

use super::reading::place;
use crate::families::Inside;
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MeanIoU",
    summary: "mean of the intersections over unions of object and background where pixels of the map are above its mean",
    reference: "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| {
        let classes = ["background", "object"].map(place);
        Ok(of_row(Measured::with(&Inside, parameters), move |row| {
            f64::midpoint(row.at(classes[0]), row.at(classes[1]))
        }))
    },
};
