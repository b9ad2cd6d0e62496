//! `SmoothGrad`, `SmoothGrad`-squared and `VarGrad`: statistics of another method's maps over noisy copies of the image.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, Parameters};
use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::integrated_gradients::N_STEPS;
use super::{deconvolution, guided_backprop, input_x_gradient, integrated_gradients, saliency};
use crate::baseline::BASELINES;
use crate::methods::differences::deep_lift;
use crate::methods::entry::Entry;
use crate::methods::method::{Method, MethodError};
use crate::{Attribution, Pass, quadrature};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "NoiseTunnel",
        "mean (smoothgrad), mean square (smoothgrad_sq) or variance (vargrad) of a gradient method's maps over noisy images",
        "Smilkov et al. 2017, https://arxiv.org/abs/1706.03825; Adebayo et al. 2018, https://arxiv.org/abs/1810.03307",
    ],
    &[ATTRIBUTION_METHOD, NT_TYPE, NT_SAMPLES, STDEVS, BASELINES, quadrature::METHOD, N_STEPS],
    |parameters, semantics| Ok(Box::new(NoiseTunnel::from(parameters, semantics)?)),
);

/// Names of the methods that are functions of gradients, and may be wrapped.
const WRAPPED: &[Cow<'static, str>] = &[
    Cow::Borrowed("Saliency"),
    Cow::Borrowed("InputXGradient"),
    Cow::Borrowed("GuidedBackprop"),
    Cow::Borrowed("Deconvolution"),
    Cow::Borrowed("IntegratedGradients"),
    Cow::Borrowed("DeepLift"),
];

/// Makes the methods of these names.
const METHODS: [&Entry; 6] = [
    &saliency::ENTRY,
    &input_x_gradient::ENTRY,
    &guided_backprop::ENTRY,
    &deconvolution::ENTRY,
    &integrated_gradients::ENTRY,
    &deep_lift::ENTRY,
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

/// Noise tunnel, which costs `nt_samples` times the wrapped method.
struct NoiseTunnel {
    method: Box<dyn Method>,
    statistic: Statistic,
    samples: u64,
    stdev: f64,
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
        let name = parameters.word("attribution_method")?;
        // The declaration lets through only names that are in the list.
        let entry = METHODS.iter().find(|entry| entry.item.name == name);
        let entry = entry.ok_or_else(|| parameters.unfit("attribution_method", "a gradient method"))?;
        let statistic = match parameters.word("nt_type")? {
            "smoothgrad_sq" => Statistic::MeanSquare,
            "vargrad" => Statistic::Variance,
            _ => Statistic::Mean,
        };
        Ok(Self {
            method: (entry.build)(parameters, semantics)?,
            statistic,
            samples: parameters.integer("nt_samples")? as u64,
            stdev: parameters.number("stdevs")?,
        })
    }
}

impl Method for NoiseTunnel {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut mean = pass.images().f_zeros_like()?;
        let mut spread = mean.f_zeros_like()?;
        for sample in 0..self.samples {
            let noise = pass.origin().normal(pass.images(), "NoiseTunnel", sample)?.f_mul_scalar(self.stdev)?;
            let mut map = self.method.attribute(&pass.moved(&noise)?)?.map;
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
