//! `MuFidelity`: rank correlation over random sets of cells.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind};

use super::reading::{OfSubsets, runs, score};
use crate::metrics::Entry;
use crate::numbers::spearman;
use crate::parameters::{TARGET, baseline, parameter};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MuFidelity",
    summary: "Spearman's correlation of the map's sum over random cells of a grid with the fall of the logit without them",
    reference: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631, as Xplique has it",
    direction: Direction::Higher,
    parameters: &[
        runs(200),
        parameter(
            "grid",
            "cells in a row and in a column",
            Kind::Integer { least: 1, most: 256 },
            Some(Default::Integer(9)),
        ),
        parameter(
            "chance",
            "probability with which a cell is removed",
            Kind::Number { least: 0.0, most: 1.0 },
            Some(Default::Number(0.2)),
        ),
        baseline("zero"),
        TARGET,
        score("logit"),
    ],
    build: |parameters| OfSubsets::boxed(parameters, 0, spearman),
};
