//! Insertion: mean height of the curve while the most relevant pixels are inserted. It is the removal of the least relevant pixels,
//! read backward, which has the same mean height.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::of_curve;
use crate::metrics::Entry;
use crate::numbers::mean_height;
use crate::parameters::{TARGET, baseline, channels, per_step, score, steps};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Insertion",
    summary: "mean probability while the most relevant pixels are inserted into a blurred image",
    reference: "Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421",
    direction: Direction::Higher,
    parameters: &[
        steps(20),
        per_step(Some(Default::Absent)),
        baseline("blur"),
        channels("sum"),
        TARGET,
        score("probability"),
    ],
    build: |parameters| of_curve(parameters, "lerf", mean_height),
};
