//! Declarations of parameters that several families and metrics have.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};

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

/// Side of a patch.
pub(crate) const fn patch_size(default: i64) -> Parameter {
    parameter(
        "patch_size",
        "side in pixels of the squares that are removed as a whole; 1 removes pixels",
        Kind::Integer { least: 1, most: 1024 },
        Some(Default::Integer(default)),
    )
}

/// Number of steps.
pub(crate) const fn steps(default: i64) -> Parameter {
    parameter(
        "steps",
        "number of steps of equal size from the whole image to nothing of it",
        Kind::Integer { least: 1, most: 1024 },
        Some(Default::Integer(default)),
    )
}

/// Size of a step.
pub(crate) const fn per_step(default: Option<Default>) -> Parameter {
    parameter(
        "per_step",
        "number of pixels, patches or values in a step, instead of `steps`",
        Kind::Integer { least: 1, most: 1 << 24 },
        default,
    )
}

/// Number of steps that are made.
pub(crate) const fn most(default: Option<Default>) -> Parameter {
    parameter("most", "number of steps after which the curve ends", Kind::Integer { least: 1, most: 1024 }, default)
}

/// Share that is removed in one step.
pub(crate) const fn percent(default: Option<Default>) -> Parameter {
    parameter(
        "percent",
        "percentage of pixels, patches or values that one step removes, instead of `steps`",
        Kind::Integer { least: 1, most: 100 },
        default,
    )
}

/// Share that one step leaves.
pub(crate) const KEPT: Parameter = parameter(
    "kept",
    "percentage of pixels, patches or values that one step leaves, instead of `steps`",
    Kind::Integer { least: 1, most: 100 },
    Some(Default::Absent),
);

/// Order of removal.
pub(crate) const ORDER: Parameter = parameter(
    "order",
    "most relevant first, least relevant first, or both",
    words(&[Cow::Borrowed("morf"), Cow::Borrowed("lerf"), Cow::Borrowed("both")]),
    Some(word("morf")),
);

/// Definition that is followed, of this program or of Quantus.
pub(crate) const QUANTUS: Parameter = parameter(
    "semantics",
    "definition that is followed",
    words(&[Cow::Borrowed("exact"), Cow::Borrowed("quantus")]),
    Some(word("exact")),
);
