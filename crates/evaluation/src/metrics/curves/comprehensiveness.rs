//! Comprehensiveness: fall of the score where the most relevant share is removed.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::of_curve;
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels, percent, score};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Comprehensiveness",
    summary: "fall of the probability where the most relevant share is removed",
    reference: "DeYoung et al. 2020, https://arxiv.org/abs/1911.03429",
    direction: Direction::Higher,
    parameters: &[
        percent(Some(Default::Integer(10))),
        baseline("zero"),
        channels("each"),
        TARGET,
        score("probability"),
    ],
    build: |parameters| of_curve(parameters, "morf", |heights| heights[0] - heights[heights.len() - 1]),
};
