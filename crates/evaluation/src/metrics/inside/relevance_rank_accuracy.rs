//! Relevance rank accuracy: how many of the largest pixels lie in the object?

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RelevanceRankAccuracy",
    summary: "share of the pixels inside the mask among as many of the largest pixels as the mask has",
    reference: "Arras et al. 2022, https://arxiv.org/abs/2003.07258",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "rank")),
};
