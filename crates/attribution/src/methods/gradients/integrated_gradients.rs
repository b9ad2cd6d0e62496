//! Integrated gradients: the gradient averaged along the straight line from a baseline to the image.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::{TchError, Tensor};

use crate::baseline::{Baseline, OWN_BASELINES, SIGMA};
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
    &[OWN_BASELINES, SIGMA, N_BASELINES, quadrature::METHOD, N_STEPS],
    |parameters, semantics| {
        let method = parameters.word("method")?;
        let rule = quadrature::rule(method, parameters.integer("n_steps")? as usize, semantics)?;
        Ok(Box::new(IntegratedGradients { baselines: baselines(parameters)?, rule }))
    },
);

/// Number of points on the line.
pub(in crate::methods) const N_STEPS: Parameter = Parameter {
    name: Cow::Borrowed("n_steps"),
    summary: Cow::Borrowed("points at which the gradient is taken"),
    kind: Kind::Integer { least: 1, most: 10_000 },
    default: Some(Default::Integer(50)),
};

/// Number of baselines.
const N_BASELINES: Parameter = Parameter {
    name: Cow::Borrowed("n_baselines"),
    summary: Cow::Borrowed(
        "images of noise over which maps are averaged where `baselines` is `uniform`; 1 if not given",
    ),
    kind: Kind::Integer { least: 1, most: 10_000 },
    default: Some(Default::Absent),
};

/// The baselines that `parameters` ask for.
fn baselines(parameters: &Parameters) -> Result<Vec<Baseline>, ParameterError> {
    let count = parameters.get("n_baselines").and_then(serde_json::Value::as_u64).unwrap_or(1);
    match Baseline::from(parameters)? {
        Baseline::Uniform(_) => Ok((0..count).map(Baseline::Uniform).collect()),
        one if count == 1 => Ok(vec![one]),
        _ => Err(parameters.unfit("n_baselines", "1, or `baselines: uniform`")),
    }
}

/// Integrated gradients: `n_steps` forward and backward passes for each baseline.
struct IntegratedGradients {
    baselines: Vec<Baseline>,
    /// Points on the line, from 0 at the baseline to 1 at the image, and their weights.
    rule: Vec<(f64, f64)>,
}

impl Method for IntegratedGradients {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let [first, others @ ..] = self.baselines.as_slice() else {
            return Err(TchError::Shape("no baselines".to_owned()));
        };
        let (mut map, mut change) = self.against(pass, *first)?;
        for other in others {
            let (of_one, from_one) = self.against(pass, *other)?;
            map = map.f_add_(&of_one)?;
            change = change.f_add_(&from_one)?;
        }
        if !others.is_empty() {
            let count = self.baselines.len() as f64;
            (map, change) = (map.f_div_scalar(count)?, change.f_div_scalar(count)?);
        }
        Ok(Attribution::complete(map, change))
    }
}

impl IntegratedGradients {
    /// Map from one baseline, and the change of the target logit from there.
    fn against(&self, pass: &Pass<'_>, baseline: Baseline) -> Result<(Tensor, Tensor), TchError> {
        let (baseline, there) = pass.baseline(baseline)?;
        let line = pass.images().f_sub(&baseline)?;
        let mut integral = Integral::of(pass);
        for steps in pass.parts(&self.rule) {
            let at = |(alpha, _): &(f64, f64)| line.f_mul_scalar(*alpha)?.f_add_(&baseline);
            let points = steps.iter().map(at).collect::<Result<Vec<_>, _>>()?;
            integral.add(&Tensor::f_cat(&points, 0)?, steps.iter().map(|(_, weight)| *weight))?;
        }
        let integral = integral.gradient()?;
        let change = pass.scores()?.f_sub(&there)?;
        Ok((line.f_mul(&integral)?, change))
    }
}
