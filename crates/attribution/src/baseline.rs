//! Baselines: the image that stands for "nothing there", or a distribution of such images.

use std::borrow::Cow;
use std::cell::RefCell;

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::{TchError, Tensor};

/// Parameter of methods with one baseline.
pub(crate) const BASELINES: Parameter = Parameter {
    name: Cow::Borrowed("baselines"),
    summary: Cow::Borrowed(
        "image that stands for nothing: `zero` (mid-grey), `global_mean` (the train split's), or a number for every pixel",
    ),
    kind: Kind::Baseline(Cow::Borrowed(&[Cow::Borrowed("zero"), Cow::Borrowed("global_mean")])),
    default: Some(Default::Word(Cow::Borrowed("zero"))),
};

/// Parameter of methods with a distribution of baselines.
pub(crate) const DISTRIBUTION: Parameter = Parameter {
    name: Cow::Borrowed("baselines"),
    summary: Cow::Borrowed(
        "distribution of images that stand for nothing: `combined_zng` (zero, normal noise and the train split's mean, \
         a third each), `combined_zn` (zero and normal noise, half each), `zero`, `global_mean`, or a number for every pixel",
    ),
    kind: Kind::Baseline(Cow::Borrowed(&[
        Cow::Borrowed("combined_zng"),
        Cow::Borrowed("combined_zn"),
        Cow::Borrowed("zero"),
        Cow::Borrowed("global_mean"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("combined_zng"))),
};

/// Parameter for the number of noise images that make up the noise of `combined_zng` and `combined_zn`.
pub(crate) const NOISE_DRAWS: Parameter = Parameter {
    name: Cow::Borrowed("n_noise_baselines"),
    summary: Cow::Borrowed(
        "images of normal noise, the same for all images of a split, that make up the noise of `combined_zng` and `combined_zn`",
    ),
    kind: Kind::Integer { least: 1, most: 1000 },
    default: Some(Default::Integer(4)),
};

/// A baseline image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Baseline {
    /// This value in every pixel.
    Constant(f64),
    /// The mean image of the dataset.
    Mean,
    /// Standard normal noise, by the number of its draw.
    Noise(u64),
}

impl Baseline {
    /// The baseline of the parameter `baselines`, where the parameter names one image.
    pub(crate) fn from(parameters: &Parameters) -> Result<Self, ParameterError> {
        let value = parameters.value("baselines")?;
        // The declaration lets through `zero`, `global_mean` and numbers.
        Ok(if value == "global_mean" { Self::Mean } else { Self::Constant(value.as_f64().unwrap_or(0.0)) })
    }
}

/// Baselines that were met before with the same model and dataset: images `[1, c, h, w]` and their logits `[1, k]`.
///
/// A batch is small, and a distribution has several baselines: without it half of the passes could be theirs.
#[derive(Debug, Default)]
pub struct Known(RefCell<Vec<(Baseline, Tensor, Tensor)>>);

impl Known {
    /// The image of `baseline` and its logits, which `make` makes if they are not known.
    pub(crate) fn of(
        &self,
        baseline: Baseline,
        make: impl FnOnce() -> Result<(Tensor, Tensor), TchError>,
    ) -> Result<(Tensor, Tensor), TchError> {
        if let Some((_, image, logits)) = self.0.borrow().iter().find(|(known, ..)| *known == baseline) {
            return Ok((image.shallow_clone(), logits.shallow_clone()));
        }
        let (image, logits) = make()?;
        self.0.borrow_mut().push((baseline, image.shallow_clone(), logits.shallow_clone()));
        Ok((image, logits))
    }
}

/// The baselines of a distribution, each with its share; the shares sum to one.
pub(crate) fn distribution(parameters: &Parameters) -> Result<Vec<(Baseline, f64)>, ParameterError> {
    let word = parameters.value("baselines")?;
    let others = if word == "combined_zng" {
        vec![Baseline::Constant(0.0), Baseline::Mean]
    } else if word == "combined_zn" {
        vec![Baseline::Constant(0.0)]
    } else {
        return Ok(vec![(Baseline::from(parameters)?, 1.0)]);
    };
    let draws = parameters.integer("n_noise_baselines")?;
    let share = 1.0 / (others.len() + 1) as f64;
    let noise = (0..draws).map(|draw| (Baseline::Noise(draw as u64), share / draws as f64));
    Ok(others.into_iter().map(|other| (other, share)).chain(noise).collect())
}
