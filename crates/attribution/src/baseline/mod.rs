//! Baselines: the image that stands for "nothing there", or a distribution of such images.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use network::{Trace, sent};
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::{TchError, Tensor};

/// Parameter of methods with one baseline for each image, which may differ between images.
pub(crate) const BASELINES: Parameter = Parameter {
    name: Cow::Borrowed("baselines"),
    summary: Cow::Borrowed(
        "image that stands for nothing: `zero` (mid-grey), `global_mean` (the train split's), or a number for every pixel",
    ),
    kind: Kind::Baseline(Cow::Borrowed(&[Cow::Borrowed("zero"), Cow::Borrowed("global_mean")])),
    default: Some(Default::Word(Cow::Borrowed("zero"))),
};

/// Parameter of methods with one baseline, which may be another one for each image.
pub(crate) const OWN_BASELINES: Parameter = Parameter {
    name: Cow::Borrowed("baselines"),
    summary: Cow::Borrowed(
        "image that stands for nothing: `zero` (mid-grey), `global_mean` (the train split's), a number for every pixel; or of each image \
         its own: `uniform` (noise from -1 to 1), `max_distance` (-1 where a pixel is above 0, else 1), `blur`",
    ),
    kind: Kind::Baseline(Cow::Borrowed(&[
        Cow::Borrowed("zero"),
        Cow::Borrowed("global_mean"),
        Cow::Borrowed("uniform"),
        Cow::Borrowed("max_distance"),
        Cow::Borrowed("blur"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("zero"))),
};

/// Parameter for the blur of the baseline `blur`.
pub(crate) const SIGMA: Parameter = Parameter {
    name: Cow::Borrowed("sigma"),
    summary: Cow::Borrowed(
        "standard deviation in pixels of the baseline `blur`; if not given 20 of 224, of other sizes in proportion",
    ),
    kind: Kind::Number { least: 0.01, most: 10_000.0 },
    default: Some(Default::Absent),
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
    /// An image with this value in every pixel.
    Constant(f64),
    /// The mean image of the dataset.
    Mean,
    /// Standard normal noise, by the number of its draw.
    Noise(u64),
    /// Noise from -1 to 1 of each image, by the number of its draw.
    Uniform(u64),
    /// The end of the range that is farther from each value.
    MaxDistance,
    /// The image blurred, by a standard deviation in pixels or a share of the image.
    Blur(Option<f64>),
}

impl Baseline {
    /// The baseline of the parameter `baselines`, where the parameter names one image.
    pub(crate) fn from(parameters: &Parameters) -> Result<Self, ParameterError> {
        let value = parameters.value("baselines")?;
        if value != "blur" && parameters.get("sigma").is_some() {
            // Maps of one variant under several keys would look like an experiment.
            return Err(parameters.unfit("sigma", "`baselines: blur` beside it"));
        }
        // The declaration lets through words of its list and numbers.
        Ok(match value.as_str() {
            Some("global_mean") => Self::Mean,
            Some("uniform") => Self::Uniform(0),
            Some("max_distance") => Self::MaxDistance,
            Some("blur") => Self::Blur(parameters.get("sigma").and_then(serde_json::Value::as_f64)),
            _ => Self::Constant(value.as_f64().unwrap_or(0.0)),
        })
    }

    /// Whether it is one image for all.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::Constant(_) | Self::Mean | Self::Noise(_))
    }
}

/// `images` `[n, c, h, w]` blurred by a Gaussian of standard deviation `sigma` pixels, cut off at four of these; outside of an image is 0,
/// as `scipy.ndimage.gaussian_filter` has it with `mode="constant"`.
pub(crate) fn blurred(images: &Tensor, sigma: f64) -> Result<Tensor, TchError> {
    if sigma <= 0.0 {
        return Ok(images.shallow_clone());
    }
    let (_, _, height, width) = images.size4()?;
    let of = |side: i64| sent(&kernel(side, sigma)?.f_to_kind(images.f_kind()?)?, images.device());
    of(height)?.f_matmul(images)?.f_matmul(&of(width)?.f_transpose(0, 1)?)
}

/// The blur along one side of that many pixels, as a matrix.
fn kernel(side: i64, sigma: f64) -> Result<Tensor, TchError> {
    let reach = (4.0 * sigma + 0.5).floor();
    let weight = |distance: f64| (-0.5 * (distance / sigma).powi(2)).exp();
    let total = 1.0 + 2.0 * (1..=reach as i64).map(|distance| weight(distance as f64)).sum::<f64>();
    let pairs = (0..side).flat_map(|to| (0..side).map(move |from| (to - from).abs() as f64));
    let weights: Vec<f64> =
        pairs.map(|distance| if distance <= reach { weight(distance) / total } else { 0.0 }).collect();
    Tensor::f_from_slice(&weights)?.f_view([side, side])
}

/// Bytes of the passes of baselines that are kept from batch to batch: those of six images of 224 px of a ResNet-18.
const MOST_KEPT: usize = 128 << 20;

/// Baselines that were met before with the same model and dataset: images `[1, c, h, w]` and their logits `[1, k]`, and the
/// values that the passes of these baselines have kept.
///
/// A batch is small, and a distribution has several baselines: without this memory, half of the passes could be passes of
/// baselines.
#[derive(Debug)]
pub struct Known {
    ends: RefCell<Vec<(Baseline, Tensor, Tensor)>>,
    references: RefCell<Vec<Rc<Reference>>>,
    /// Whether the values of passes may be kept.
    keeps: Cell<bool>,
}

/// A baseline with its pass, which `DeepLIFT` compares with those of images.
#[derive(Debug)]
pub(crate) struct Reference {
    baseline: Baseline,
    /// Image `[1, c, h, w]`.
    pub(crate) image: Tensor,
    pub(crate) trace: Trace,
    /// Number of images that the pass was made for.
    images: i64,
}

impl Reference {
    /// The pass `trace` of `baseline`, whose image is `image`, for so many `images`.
    pub(crate) fn new(baseline: Baseline, image: Tensor, trace: Trace, images: i64) -> Self {
        Self { baseline, image, trace, images }
    }

    /// Whether the pass serves `images` images on the graph that runs now.
    fn fits(&self, images: i64, is_lowered: bool) -> bool {
        // A pass of one row for several images has one for any number of images.
        let one_for_all = self.images > 1 && self.trace.logits().size().first() == Some(&1);
        self.trace.is_lowered() == is_lowered && (self.images == images || one_for_all)
    }
}

impl std::default::Default for Known {
    fn default() -> Self {
        Self { ends: RefCell::default(), references: RefCell::default(), keeps: Cell::new(true) }
    }
}

impl Known {
    /// Gives back the values of all passes, and from now on keeps those of others where `keeps` says so. Returns whether
    /// there were any.
    pub fn begin(&self, keeps: bool) -> bool {
        self.keeps.set(keeps);
        !self.references.take().is_empty()
    }

    /// The pass of `baseline` for so many `images`, which `make` makes if it is not known.
    pub(crate) fn reference(
        &self,
        baseline: Baseline,
        (images, is_lowered): (i64, bool),
        make: impl FnOnce() -> Result<Reference, TchError>,
    ) -> Result<Rc<Reference>, TchError> {
        let of_it = |known: &&Rc<Reference>| known.baseline == baseline && known.fits(images, is_lowered);
        if let Some(known) = self.references.borrow().iter().find(of_it) {
            return Ok(Rc::clone(known));
        }
        let reference = Rc::new(make()?);
        let mut all = self.references.borrow_mut();
        all.retain(|known| known.baseline != baseline);
        let bytes: usize = all.iter().map(|known| known.trace.bytes()).sum();
        if self.keeps.get() && bytes + reference.trace.bytes() <= MOST_KEPT {
            all.push(Rc::clone(&reference));
        }
        Ok(reference)
    }

    /// The image of `baseline` and its logits, which `make` makes if they are not known.
    pub(crate) fn of(
        &self,
        baseline: Baseline,
        make: impl FnOnce() -> Result<(Tensor, Tensor), TchError>,
    ) -> Result<(Tensor, Tensor), TchError> {
        if let Some((_, image, logits)) = self.ends.borrow().iter().find(|(known, ..)| *known == baseline) {
            return Ok((image.shallow_clone(), logits.shallow_clone()));
        }
        let (image, logits) = make()?;
        self.ends.borrow_mut().push((baseline, image.shallow_clone(), logits.shallow_clone()));
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

#[cfg(test)]
mod tests;
