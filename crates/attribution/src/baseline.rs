//! Baselines: the image that stands for "nothing there", or a distribution of such images.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use network::Trace;
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
         a third each), `zero`, `global_mean`, or a number for every pixel",
    ),
    kind: Kind::Baseline(Cow::Borrowed(&[
        Cow::Borrowed("combined_zng"),
        Cow::Borrowed("zero"),
        Cow::Borrowed("global_mean"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("combined_zng"))),
};

/// Parameter for the number of noise images that make up the noise third of `combined_zng`.
pub(crate) const NOISE_DRAWS: Parameter = Parameter {
    name: Cow::Borrowed("n_noise_baselines"),
    summary: Cow::Borrowed(
        "images of normal noise, the same for all images of a split, that make up the noise third of `combined_zng`",
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

/// Bytes of the passes of baselines that are kept from batch to batch: those of six images of 224 px of a ResNet-18.
const MOST_KEPT: usize = 128 << 20;

/// Baselines that were met before with the same model and dataset: images `[1, c, h, w]` and their logits `[1, k]`, and
/// what passes of theirs have kept.
///
/// A batch is small, and a distribution has several baselines: without it half of the passes could be theirs.
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
    /// `[1, c, h, w]`.
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

    /// Whether the pass does for so many `images` on the graph that runs now.
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
    if parameters.value("baselines")? != "combined_zng" {
        return Ok(vec![(Baseline::from(parameters)?, 1.0)]);
    }
    let draws = parameters.integer("n_noise_baselines")?;
    let third = 1.0 / 3.0;
    let noise = (0..draws).map(|draw| (Baseline::Noise(draw as u64), third / draws as f64));
    Ok([(Baseline::Constant(0.0), third), (Baseline::Mean, third)].into_iter().chain(noise).collect())
}
