//! `MuFidelity`: rank correlation over random sets of cells.

use sweep::evaluation::Direction;

use super::reading::of_subsets;
use crate::metrics::Entry;
use crate::numbers::spearman;
use crate::parameters::{TARGET, baseline, chance, grid, runs, score_that_falls};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MuFidelity",
    summary: "Spearman's correlation of the map's sum over random cells of a grid with the fall of the logit without them",
    reference: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631, as Xplique has it",
    direction: Direction::Higher,
    parameters: &[runs(200), grid(1, 9), chance(0.2), baseline("zero"), TARGET, score_that_falls("logit")],
    build: |parameters| of_subsets(parameters, 0, spearman),
};
