//! Parameters of subsets of an image that are removed alone.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};

use super::{parameter, word, words};

const fn integer(least: i64, most: i64) -> Kind {
    Kind::Integer { least, most }
}

/// Number of subsets.
pub(crate) const fn runs(default: i64) -> Parameter {
    parameter("runs", "number of random subsets of an image", integer(2, 32768), Some(Default::Integer(default)))
}

/// Size of a subset, at `least` so large.
pub(crate) const fn subset_size(least: i64, default: i64) -> Parameter {
    let kind = integer(least, 1 << 24);
    parameter("subset_size", "number of values in a subset", kind, Some(Default::Integer(default)))
}

/// Cells of an image, at `least` so many.
pub(crate) const fn grid(least: i64, default: i64) -> Parameter {
    let summary = "cells in a row and in a column of an image, each of which is in a subset by chance";
    parameter("grid", summary, integer(least, 256), Some(Default::Integer(default)))
}

/// Probability of a cell.
pub(crate) const fn chance(default: f64) -> Parameter {
    let kind = Kind::Number { least: 0.0, most: 1.0 };
    parameter("chance", "probability with which a cell is in a subset", kind, Some(Default::Number(default)))
}

/// Side of a square, at `least` so long.
pub(crate) const fn square(least: i64, default: i64) -> Parameter {
    let kind = integer(least, 1024);
    parameter("square", "side in pixels of a square that is removed alone", kind, Some(Default::Integer(default)))
}

/// Subsets that there are, of these `ways`; the first is taken where no other is given.
pub(crate) const fn cut(ways: &'static [Cow<'static, str>]) -> Parameter {
    let first = match ways {
        [Cow::Borrowed(first), ..] => *first,
        _ => "",
    };
    parameter(
        "cut",
        "`random` subsets, each of the `patches` of an image with side `square` alone, each of its `values` alone, or the `whole` image",
        words(ways),
        Some(word(first)),
    )
}

/// Output of the model whose fall is taken. The logarithm of a probability has no fall of its own among the measurements.
pub(crate) const fn score_that_falls(default: &'static str) -> Parameter {
    const WORDS: &[Cow<'static, str>] = &[Cow::Borrowed("probability"), Cow::Borrowed("logit")];
    parameter("score", "output of the model that is followed", words(WORDS), Some(word(default)))
}
