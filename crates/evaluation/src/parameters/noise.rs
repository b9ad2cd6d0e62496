//! Parameters of noisy copies of an image, and of the maps that are made of them.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};

use super::{parameter, words};

/// Most noisy copies of an image: seven numbers of each are as many as a measurement may have.
pub(crate) const MOST_COPIES: i64 = 9362;

/// Number of copies.
pub(crate) const SAMPLES: Parameter = parameter(
    "samples",
    "number of noisy copies of an image",
    Kind::Integer { least: 1, most: MOST_COPIES },
    Some(Default::Integer(10)),
);

/// Range of noise, in values of the image as the model sees it.
const NOISE: Kind = Kind::Number { least: -1000.0, most: 1000.0 };

/// Standard deviation of normal noise.
pub(crate) const fn std(default: Option<Default>) -> Parameter {
    parameter(
        "std",
        "standard deviation of normal noise; without it noise is uniform",
        Kind::Number { least: 0.0, most: 1000.0 },
        default,
    )
}

/// Least uniform noise.
pub(crate) const fn low(default: f64) -> Parameter {
    parameter("low", "least uniform noise that is added to a value", NOISE, Some(Default::Number(default)))
}

/// Largest uniform noise.
pub(crate) const fn high(default: f64) -> Parameter {
    parameter("high", "largest uniform noise that is added to a value", NOISE, Some(Default::Number(default)))
}

/// Scale of maps before they are compared. Where the word is absent, maps are compared as they are.
pub(crate) const NORMALISE: Parameter = parameter(
    "normalise",
    "`second_moment` divides each map by the root of the mean of its squares, before maps are compared",
    words(&[Cow::Borrowed("second_moment")]),
    Some(Default::Absent),
);
