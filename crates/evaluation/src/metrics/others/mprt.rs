//! Model parameter randomisation test: does a map change when the model loses what it has learned?

use std::borrow::Cow;

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use crate::families::{ABS, LAYERS, NUMBERS, OtherModel, portions};
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};
use crate::numbers::mean;
use crate::parameters::parameter;

/// Similarity of the two maps.
const SIMILARITY: Parameter = parameter(
    "similarity",
    "similarity of the maps of both models: rank correlation, cosine, or structural similarity",
    Kind::Word(Cow::Borrowed(&[Cow::Borrowed("spearman"), Cow::Borrowed("cosine"), Cow::Borrowed("ssim")])),
    Some(Default::Word(Cow::Borrowed("spearman"))),
);

/// Models that count.
const AT: Parameter = parameter(
    "at",
    "`mean` over the models of all portions, or the model of the `last` portion alone",
    Kind::Word(Cow::Borrowed(&[Cow::Borrowed("mean"), Cow::Borrowed("last")])),
    Some(Default::Word(Cow::Borrowed("mean"))),
);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "MPRT",
    summary: "similarity of the map with the maps of models whose layers are drawn anew, portion after portion",
    reference: "Adebayo et al. 2018, https://arxiv.org/abs/1810.03292",
    direction: Direction::Lower,
    parameters: &[LAYERS, portions(5), ABS, SIMILARITY, AT],
    build: |parameters| {
        let (word, only_last) = (parameters.word("similarity")?, parameters.word("at")? == "last");
        let column = NUMBERS.iter().position(|name| *name == word).unwrap_or(usize::MAX);
        Ok(of_row(Measured::with(&OtherModel, parameters), move |row| {
            let models = row.size(0);
            let first = if only_last { models.saturating_sub(1) } else { 0 };
            mean(&(first..models).map(|model| row.at(model * NUMBERS.len() + column)).collect::<Vec<_>>())
        }))
    },
};
