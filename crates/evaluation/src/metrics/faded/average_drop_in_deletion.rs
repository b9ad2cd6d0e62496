//! Average drop in deletion: what is lost with what the map marks.

use sweep::evaluation::Direction;

use super::reading::of_faded;
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AverageDropInDeletion",
    summary: "percentage of the probability that is lost where the image is multiplied by 1 minus its map",
    reference: "Jung and Oh 2021, https://arxiv.org/abs/2103.13859",
    direction: Direction::Higher,
    parameters: &[channels("sum"), baseline("zero"), TARGET],
    build: |parameters| Ok(of_faded(parameters, |whole, _, rest| 100.0 * (whole - rest) / whole)),
};
