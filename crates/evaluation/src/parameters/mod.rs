//! Declarations of parameters that several families and metrics have: each is declared once, with its words and its range.

mod curves;
mod noise;
mod subsets;

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};

pub(crate) use curves::{KEPT, ONE_ORDER, ORDER, most, patch_size, per_step, percent, steps};
pub(crate) use noise::{MOST_COPIES, NORMALISE, SAMPLES, high, low, std};
pub(crate) use subsets::{chance, cut, grid, runs, score_that_falls, square, subset_size};

/// Parameter `name`, which is what `summary` says.
pub(crate) const fn parameter(
    name: &'static str,
    summary: &'static str,
    kind: Kind,
    default: Option<Default>,
) -> Parameter {
    Parameter { name: Cow::Borrowed(name), summary: Cow::Borrowed(summary), kind, default }
}

const fn words(words: &'static [Cow<'static, str>]) -> Kind {
    Kind::Word(Cow::Borrowed(words))
}

const fn word(word: &'static str) -> Default {
    Default::Word(Cow::Borrowed(word))
}

/// Class that is followed.
pub(crate) const TARGET: Parameter = parameter(
    "target",
    "class that is followed: the predicted one or the label",
    words(&[Cow::Borrowed("predicted"), Cow::Borrowed("label")]),
    Some(word("predicted")),
);

/// Output of the model that is followed.
pub(crate) const fn score(default: &'static str) -> Parameter {
    const WORDS: &[Cow<'static, str>] =
        &[Cow::Borrowed("probability"), Cow::Borrowed("logit"), Cow::Borrowed("log_probability")];
    parameter("score", "output of the model that is followed", words(WORDS), Some(word(default)))
}

/// Output of the model of which shares are taken: a logarithm of a probability has none, as it is never above zero.
pub(crate) const SHARED_OUTPUT: Parameter = parameter(
    "score",
    "output of the model that is followed, as a share of that of the image; undefined where the latter is not above zero",
    words(&[Cow::Borrowed("probability"), Cow::Borrowed("logit")]),
    Some(word("probability")),
);

/// Number of each pixel by which pixels are ranked.
pub(crate) const fn channels(default: &'static str) -> Parameter {
    const WORDS: &[Cow<'static, str>] = &[
        Cow::Borrowed("sum"),
        Cow::Borrowed("abs_sum"),
        Cow::Borrowed("mean_abs"),
        Cow::Borrowed("max_abs"),
        Cow::Borrowed("positive_sum"),
        Cow::Borrowed("each"),
    ];
    parameter(
        "channels",
        "number that the channels of a pixel become; `each` ranks every value by itself",
        words(WORDS),
        Some(word(default)),
    )
}

/// Values in the place of what is removed.
pub(crate) const fn baseline(default: &'static str) -> Parameter {
    const WORDS: &[Cow<'static, str>] = &[
        Cow::Borrowed("zero"),
        Cow::Borrowed("image_min"),
        Cow::Borrowed("image_mean"),
        Cow::Borrowed("channel_mean"),
        Cow::Borrowed("blur"),
        Cow::Borrowed("imputed"),
    ];
    parameter(
        "baseline",
        "values in the place of what is removed, as the model sees images",
        Kind::Baseline(Cow::Borrowed(WORDS)),
        Some(word(default)),
    )
}

/// Share of the values that count as the largest ones.
pub(crate) const LARGEST: Parameter = parameter(
    "percent",
    "percentage of the values that count as the largest ones",
    Kind::Integer { least: 1, most: 100 },
    Some(Default::Integer(5)),
);

/// Definition that is followed, of this program or of Quantus.
pub(crate) const QUANTUS: Parameter = parameter(
    "semantics",
    "definition that is followed",
    words(&[Cow::Borrowed("exact"), Cow::Borrowed("quantus")]),
    Some(word("exact")),
);
