//! Random logit: does the map change with the class that it explains?

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use crate::families::{CLASS, OtherClass, SIMILARITIES};
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};
use crate::parameters::parameter;

/// Similarity of the two maps.
const SIMILARITY: Parameter = {
    use std::borrow::Cow::Borrowed;
    parameter(
        "similarity",
        "similarity of the two maps",
        Kind::Word(Borrowed(&[Borrowed("spearman"), Borrowed("cosine")])),
        Some(Default::Word(Borrowed("spearman"))),
    )
};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RandomLogit",
    summary: "similarity of the map with the map of the same image for another class",
    reference: "Sixt et al. 2020, https://arxiv.org/abs/1912.09818",
    direction: Direction::Lower,
    parameters: &[CLASS, SIMILARITY],
    build: |parameters| {
        let at = SIMILARITIES.iter().position(|name| parameters.word("similarity").is_ok_and(|word| word == *name));
        Ok(of_row(Measured::with(&OtherClass, parameters), move |row| row.at(at.unwrap_or(0))))
    },
};
