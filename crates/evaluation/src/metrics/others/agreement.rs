//! Agreement: how like is a map to another map of the same image?

use std::borrow::Cow;

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use crate::families::{Agreement, SIMILARITIES, TOP, WITH};
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};
use crate::parameters::{channels, parameter};

/// Similarity of the two maps.
const SIMILARITY: Parameter = parameter(
    "similarity",
    "similarity of the two maps: rank correlation, cosine, structural similarity, or Jaccard's index of the largest values",
    Kind::Word(Cow::Borrowed(&[
        Cow::Borrowed("spearman"),
        Cow::Borrowed("cosine"),
        Cow::Borrowed("ssim"),
        Cow::Borrowed("jaccard"),
    ])),
    Some(Default::Word(Cow::Borrowed("spearman"))),
);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Agreement",
    summary: "similarity of the map with the map of the same image by the method `with`",
    reference: "Krishna et al. 2022, https://arxiv.org/abs/2202.01602",
    direction: Direction::Neither,
    parameters: &[WITH, SIMILARITY, channels("each"), TOP],
    build: |parameters| {
        let word = parameters.word("similarity")?;
        let at = SIMILARITIES.iter().position(|name| *name == word).unwrap_or(usize::MAX);
        Ok(of_row(Measured::with(&Agreement, parameters), move |row| row.at(at)))
    },
};
