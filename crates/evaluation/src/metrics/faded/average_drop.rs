//! Average drop: what is lost where the image is faded by its map.

use sweep::evaluation::Direction;

use super::reading::{of_faded, share};
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AverageDrop",
    summary: "percentage of the probability that is lost where the image is multiplied by its map, scaled to 0 to 1",
    reference: "Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
    direction: Direction::Lower,
    parameters: &[channels("sum"), baseline("zero"), TARGET],
    build: |parameters| Ok(of_faded(parameters, |whole, left, _| 100.0 * share(whole - left, whole))),
};
