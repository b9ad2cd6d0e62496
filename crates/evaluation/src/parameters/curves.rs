//! Parameters of curves: what one step removes, how many steps there are, and in which order.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};

use super::{parameter, word, words};

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

/// Order of removal of a metric that follows one of them.
pub(crate) const ONE_ORDER: Parameter = parameter(
    "order",
    "most relevant first, or least relevant first, where the better score is the other one",
    words(&[Cow::Borrowed("morf"), Cow::Borrowed("lerf")]),
    Some(word("morf")),
);
