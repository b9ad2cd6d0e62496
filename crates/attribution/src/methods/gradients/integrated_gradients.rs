//! Integrated gradients: the gradient averaged along the straight line from a baseline to the image.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::baseline::{BASELINES, Baseline};
use crate::integral::Integral;
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass, quadrature};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "IntegratedGradients",
        "(x - b) times the gradient averaged from baseline b to image x. In float32 a pixel may be off by 1e-2 of the peak where \
         the input of a ReLU is near zero on the way (Inception v3, DLA-34); in float64 by 4e-8",
        "Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365",
    ],
    &[BASELINES, quadrature::METHOD, N_STEPS],
    |parameters, semantics| {
        let method = parameters.word("method")?;
        let rule = quadrature::rule(method, parameters.integer("n_steps")? as usize, semantics)?;
        Ok(Box::new(IntegratedGradients { baseline: Baseline::from(parameters)?, rule }))
    },
);

/// Number of points on the line.
pub(super) const N_STEPS: Parameter = Parameter {
    name: Cow::Borrowed("n_steps"),
    summary: Cow::Borrowed("points at which the gradient is taken"),
    kind: Kind::Integer { least: 1, most: 10_000 },
    default: Some(Default::Integer(50)),
};

/// Integrated gradients: `n_steps` forward and backward passes.
struct IntegratedGradients {
    baseline: Baseline,
    /// Points on the line, from 0 at the baseline to 1 at the image, and their weights.
    rule: Vec<(f64, f64)>,
}

impl Method for IntegratedGradients {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (baseline, there) = pass.baseline(self.baseline)?;
        let line = pass.images().f_sub(&baseline)?;
        let mut integral = Integral::of(pass);
        for steps in pass.parts(&self.rule) {
            let at = |(alpha, _): &(f64, f64)| line.f_mul_scalar(*alpha)?.f_add_(&baseline);
            let points = steps.iter().map(at).collect::<Result<Vec<_>, _>>()?;
            integral.add(&Tensor::f_cat(&points, 0)?, steps.iter().map(|(_, weight)| *weight))?;
        }
        let integral = integral.gradient()?;
        let change = pass.scores()?.f_sub(&there)?;
        Ok(Attribution::complete(line.f_mul(&integral)?, change))
    }
}
