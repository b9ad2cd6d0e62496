//! Faithfulness estimate: does each value, or each patch, matter as much as the map says?

use sweep::evaluation::Direction;

use super::reading::{CUT, SIDE, of_subsets};
use crate::metrics::Entry;
use crate::numbers::pearson;
use crate::parameters::{TARGET, baseline, score_that_falls};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "FaithfulnessEstimate",
    summary: "Pearson's correlation of the map's sum over each patch, or each value, with the fall of the score without it",
    reference: "Alvarez-Melis and Jaakkola 2018, https://arxiv.org/abs/1806.07538",
    direction: Direction::Higher,
    parameters: &[CUT, SIDE, baseline("image_min"), TARGET, score_that_falls("logit")],
    build: |parameters| of_subsets(parameters, 0, pearson),
};
