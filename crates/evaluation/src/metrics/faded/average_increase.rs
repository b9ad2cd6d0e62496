//! Average increase: is the model surer of the image that is faded by its map.

use sweep::evaluation::Direction;

use super::reading::of_faded;
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AverageIncrease",
    summary: "100 where the probability rises as the image is multiplied by its map, else 0",
    reference: "Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
    direction: Direction::Higher,
    parameters: &[channels("sum"), baseline("zero"), TARGET],
    build: |parameters| Ok(of_faded(parameters, |whole, left, _| if left > whole { 100.0 } else { 0.0 })),
};
