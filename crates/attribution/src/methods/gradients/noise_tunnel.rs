//! `SmoothGrad`, `SmoothGrad`-squared and `VarGrad`: statistics of another method's maps over noisy copies of the image.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, Parameters};
use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::integrated_gradients::N_STEPS;
use crate::baseline::BASELINES;
use crate::methods::entry::Entry;
use crate::methods::method::{Method, MethodError};
use crate::{Attribution, Pass, quadrature};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "NoiseTunnel",
        "mean (smoothgrad), mean square (smoothgrad_sq) or variance (vargrad) of a gradient method's maps over noisy images",
        "Smilkov et al. 2017, https://arxiv.org/abs/1706.03825; Adebayo et al. 2018, https://arxiv.org/abs/1810.03307",
    ],
    &[
        ATTRIBUTION_METHOD,
        NT_TYPE,
        NT_SAMPLES,
        STDEVS,
        NOISE_LEVEL,
        CLEAN_LAST,
        BASELINES,
        quadrature::METHOD,
        N_STEPS,
        LAYER_OF_WRAPPED,
    ],
    |parameters, semantics| Ok(Box::new(NoiseTunnel::from(parameters, semantics)?)),
);

/// Names of the methods that are functions of gradients at the image, and may be wrapped.
const WRAPPED: &[Cow<'static, str>] = &[
    Cow::Borrowed("Saliency"),
    Cow::Borrowed("InputXGradient"),
    Cow::Borrowed("GuidedBackprop"),
    Cow::Borrowed("Deconvolution"),
    Cow::Borrowed("IntegratedGradients"),
    Cow::Borrowed("DeepLift"),
    Cow::Borrowed("LRP"),
    Cow::Borrowed("CPLRP"),
    Cow::Borrowed("AttnLRP"),
    Cow::Borrowed("FullGrad"),
    Cow::Borrowed("IDGI"),
    Cow::Borrowed("LayerGradCam"),
    Cow::Borrowed("GuidedGradCam"),
    Cow::Borrowed("GradCAMPlusPlus"),
    Cow::Borrowed("XGradCAM"),
    Cow::Borrowed("LayerCAM"),
    Cow::Borrowed("HiResCAM"),
];

const ATTRIBUTION_METHOD: Parameter = Parameter {
    name: Cow::Borrowed("attribution_method"),
    summary: Cow::Borrowed("the method whose maps are taken; `baselines`, `method` and `n_steps` are handed on to it"),
    kind: Kind::Word(Cow::Borrowed(WRAPPED)),
    default: Some(Default::Word(Cow::Borrowed("Saliency"))),
};

const NT_TYPE: Parameter = Parameter {
    name: Cow::Borrowed("nt_type"),
    summary: Cow::Borrowed("statistic"),
    kind: Kind::Word(Cow::Borrowed(&[
        Cow::Borrowed("smoothgrad"),
        Cow::Borrowed("smoothgrad_sq"),
        Cow::Borrowed("vargrad"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("smoothgrad"))),
};

const NT_SAMPLES: Parameter = Parameter {
    name: Cow::Borrowed("nt_samples"),
    summary: Cow::Borrowed("noisy copies of an image; the first n of more are those of n"),
    kind: Kind::Integer { least: 1, most: 100_000 },
    default: Some(Default::Integer(5)),
};

const STDEVS: Parameter = Parameter {
    name: Cow::Borrowed("stdevs"),
    summary: Cow::Borrowed(
        "standard deviation of the noise, absolute as in Captum; the paper has 0.1 to 0.2 of the range, which is 2 here",
    ),
    kind: Kind::Number { least: 0.0, most: 10.0 },
    default: Some(Default::Number(1.0)),
};

const NOISE_LEVEL: Parameter = Parameter {
    name: Cow::Borrowed("noise_level"),
    summary: Cow::Borrowed(
        "standard deviation of the noise as a share of each image's own range, largest value less least, as in the paper and in zennit; \
         takes the place of `stdevs`",
    ),
    kind: Kind::Number { least: 0.0, most: 10.0 },
    default: Some(Default::Absent),
};

const CLEAN_LAST: Parameter = Parameter {
    name: Cow::Borrowed("clean_last"),
    summary: Cow::Borrowed("whether the last copy has no noise, as zennit's; it has if not given"),
    kind: Kind::Boolean,
    default: Some(Default::Absent),
};

const LAYER_OF_WRAPPED: Parameter = Parameter {
    name: Cow::Borrowed("layer"),
    summary: Cow::Borrowed("module whose output a class activation map looks at; must be given for such a method"),
    kind: Kind::Layer,
    default: Some(Default::Absent),
};

/// Noise tunnel, which costs `nt_samples` times the wrapped method.
struct NoiseTunnel {
    method: Box<dyn Method>,
    statistic: Statistic,
    samples: u64,
    noise: Noise,
    clean_last: bool,
}

/// Standard deviation of the noise.
#[derive(Clone, Copy, Debug)]
enum Noise {
    Absolute(f64),
    /// A share of each image's range.
    OfRange(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    Mean,
    MeanSquare,
    /// Variance, divided by n as in Captum.
    Variance,
}

impl NoiseTunnel {
    fn from(parameters: &Parameters, semantics: Semantics) -> Result<Self, MethodError> {
        let entry = super::super::find(parameters.word("attribution_method")?)?;
        let declared = &entry.item.parameters;
        let own = parameters.0.iter().filter(|(name, _)| declared.iter().any(|parameter| parameter.name == **name));
        let own = Parameters(own.map(|(name, value)| (name.clone(), value.clone())).collect());
        if declared.iter().any(|parameter| parameter.kind == Kind::Layer) && own.get("layer").is_none() {
            return Err(parameters.unfit("layer", "the name of a layer, at which this method looks").into());
        }
        // What was checked for this method fits the other one too; what is missing there has a default.
        let own = own.checked(declared).map_err(|_| parameters.unfit("attribution_method", "a method of the list"))?;
        let level = parameters.get("noise_level").and_then(serde_json::Value::as_f64);
        let noise = level.map_or(Noise::Absolute(parameters.number("stdevs")?), Noise::OfRange);
        let statistic = match parameters.word("nt_type")? {
            "smoothgrad_sq" => Statistic::MeanSquare,
            "vargrad" => Statistic::Variance,
            _ => Statistic::Mean,
        };
        Ok(Self {
            method: (entry.build)(&own, semantics)?,
            statistic,
            samples: parameters.integer("nt_samples")? as u64,
            noise,
            clean_last: parameters.get("clean_last").is_some_and(|last| last == true),
        })
    }
}

impl Method for NoiseTunnel {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut mean = pass.images().f_zeros_like()?;
        let mut spread = mean.f_zeros_like()?;
        for sample in 0..self.samples {
            let mut map = self.method.attribute(&pass.moved(&self.noise(pass, sample)?)?)?.map;
            if self.statistic == Statistic::MeanSquare {
                map = map.f_square()?;
            }
            // Welford's update: exact for a variance that is small beside the mean.
            let away = map.f_sub(&mean)?;
            mean = mean.f_add_(&away.f_div_scalar((sample + 1) as f64)?)?;
            spread = spread.f_add_(&away.f_mul(&map.f_sub(&mean)?)?)?;
        }
        let of_all: Tensor = match self.statistic {
            Statistic::Mean | Statistic::MeanSquare => mean,
            Statistic::Variance => spread.f_div_scalar(self.samples as f64)?,
        };
        Ok(of_all.into())
    }
}

impl NoiseTunnel {
    /// Noise of copy number `sample` of the images.
    fn noise(&self, pass: &Pass<'_>, sample: u64) -> Result<Tensor, TchError> {
        if self.clean_last && sample + 1 == self.samples {
            return pass.images().f_zeros_like();
        }
        let normal = pass.origin().normal(pass.images(), "NoiseTunnel", sample)?;
        match self.noise {
            Noise::Absolute(stdev) => normal.f_mul_scalar(stdev),
            Noise::OfRange(level) => {
                let of = [1_i64, 2, 3];
                let range = pass.images().f_amax(of, true)?.f_sub(&pass.images().f_amin(of, true)?)?;
                normal.f_mul(&range.f_mul_scalar(level)?)
            }
        }
    }
}
