//! Faithfulness correlation: do sums of the map over random sets of values go along with what the model loses?

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind};

use super::reading::of_subsets;
use crate::metrics::Entry;
use crate::numbers::pearson;
use crate::parameters::{TARGET, baseline, parameter, runs, score_that_falls, subset_size};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "FaithfulnessCorrelation",
    summary: "Pearson's correlation of the map's sum over a random set of values with the fall of the logit without them",
    reference: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631",
    direction: Direction::Higher,
    parameters: &[
        runs(100),
        subset_size(1, 224),
        parameter("abs", "take the map without its signs", Kind::Boolean, Some(Default::Boolean(false))),
        baseline("image_min"),
        TARGET,
        score_that_falls("logit"),
    ],
    build: |parameters| of_subsets(parameters, usize::from(parameters.boolean("abs")?), pearson),
};
