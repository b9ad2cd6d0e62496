//! Baselines: the image that stands for "nothing there".

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::{TchError, Tensor};

/// The parameter as methods declare it.
pub(crate) const BASELINES: Parameter = Parameter {
    name: Cow::Borrowed("baselines"),
    summary: Cow::Borrowed("image that stands for nothing: `zero` (mid-grey), or a number for every pixel"),
    kind: Kind::Baseline(Cow::Borrowed(&[Cow::Borrowed("zero")])),
    default: Some(Default::Word(Cow::Borrowed("zero"))),
};

/// A baseline image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Baseline {
    /// This value in every pixel.
    Constant(f64),
}

impl Baseline {
    /// What `baselines` says.
    pub(crate) fn from(parameters: &Parameters) -> Result<Self, ParameterError> {
        // `zero` is the only word that the declaration lets through.
        Ok(Self::Constant(parameters.value("baselines")?.as_f64().unwrap_or(0.0)))
    }

    /// The baseline of each of `images` `[n, c, h, w]`, of the same shape.
    pub(crate) fn of(self, images: &Tensor) -> Result<Tensor, TchError> {
        let Self::Constant(value) = self;
        images.f_full_like(value)
    }
}
