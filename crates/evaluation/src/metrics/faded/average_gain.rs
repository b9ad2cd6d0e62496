//! Average gain: what is won where the image is faded by its map.

use sweep::evaluation::Direction;

use super::reading::{of_faded, share};
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AverageGain",
    summary: "percentage of what was missing to certainty that is won where the image is multiplied by its map",
    reference: "Zhang et al. 2023, https://arxiv.org/abs/2301.07002",
    direction: Direction::Higher,
    parameters: &[channels("sum"), baseline("zero"), TARGET],
    build: |parameters| Ok(of_faded(parameters, |whole, left, _| 100.0 * share(left - whole, 1.0 - whole))),
};
