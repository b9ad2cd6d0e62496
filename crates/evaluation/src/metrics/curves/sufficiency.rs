//! Sufficiency: fall of the score where all but the most relevant share is removed.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::of_curve;
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels, percent, score};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Sufficiency",
    summary: "fall of the probability where all but the most relevant share is removed",
    reference: "DeYoung et al. 2020, https://arxiv.org/abs/1911.03429",
    direction: Direction::Lower,
    parameters: &[
        percent(Some(Default::Integer(10))),
        baseline("zero"),
        channels("each"),
        TARGET,
        score("probability"),
    ],
    build: |parameters| {
        let mut parameters = parameters.clone();
        let kept = parameters.0.remove("percent");
        parameters.0.extend(kept.map(|kept| ("kept".to_owned(), kept)));
        of_curve(&parameters, "lerf", |heights| heights[0] - heights[heights.len() - 1])
    },
};
