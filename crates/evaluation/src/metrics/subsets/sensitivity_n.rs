//! Sensitivity-n: the correlation for sets of n values, each image by itself.

use sweep::evaluation::Direction;

use super::reading::of_subsets;
use crate::metrics::Entry;
use crate::numbers::pearson;
use crate::parameters::{TARGET, baseline, runs, score_that_falls, subset_size};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "SensitivityN",
    summary: "Pearson's correlation of the map's sum over n random values with the fall of the logit without them; a list of \
              `subset_size` gives the curve over n",
    reference: "Ancona et al. 2018, https://arxiv.org/abs/1711.06104",
    direction: Direction::Higher,
    parameters: &[runs(100), subset_size(1, 100), baseline("zero"), TARGET, score_that_falls("logit")],
    build: |parameters| of_subsets(parameters, 0, pearson),
};
