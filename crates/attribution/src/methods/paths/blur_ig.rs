//! Blur integrated gradients: the path from a blurred image to the image itself.

use std::borrow::Cow;

use network::sent;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::baseline::blurred;
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "BlurIG",
        "what the image loses from step to step as it is blurred, times the gradient half way, summed from `max_sigma` to none. The \
         authors' code multiplies derivatives by sigma with the gradient at the end of a step, which comes to the same with many steps; \
         outside of the image is mid-grey, as there",
        "Xu et al. 2020, https://arxiv.org/abs/2004.03383",
    ],
    &[MAX_SIGMA, N_STEPS],
    |parameters, _| {
        Ok(Box::new(BlurIg { sigma: parameters.number("max_sigma")?, steps: parameters.integer("n_steps")? }))
    },
)
.called(&["BlurIg", "blur_ig", "BlurIntegratedGradients"]);

const MAX_SIGMA: Parameter = Parameter {
    name: Cow::Borrowed("max_sigma"),
    summary: Cow::Borrowed("standard deviation in pixels of the blur where the path begins"),
    kind: Kind::Number { least: 0.01, most: 10_000.0 },
    default: Some(Default::Number(50.0)),
};

const N_STEPS: Parameter = Parameter {
    name: Cow::Borrowed("n_steps"),
    summary: Cow::Borrowed("steps of equal width from the largest standard deviation to none"),
    kind: Kind::Integer { least: 1, most: 10_000 },
    default: Some(Default::Integer(100)),
};

/// Blur integrated gradients: `n_steps` forward and backward passes.
struct BlurIg {
    sigma: f64,
    steps: i64,
}

impl BlurIg {
    /// The images after step number `step`: 0 is the most blurred, the last the images.
    fn at(&self, pass: &Pass<'_>, step: i64) -> Result<Tensor, TchError> {
        blurred(pass.images(), self.sigma * (1.0 - step as f64 / self.steps as f64))
    }
}

impl Method for BlurIg {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let first = self.at(pass, 0)?;
        let there = pass.scores_at(&first)?.f_view([-1])?;
        let (mut map, mut before) = (pass.images().f_zeros_like()?, first);
        let steps: Vec<i64> = (1..=self.steps).collect();
        for part in pass.parts(&steps) {
            let (mut changes, mut points) = (Vec::new(), Vec::new());
            for step in part {
                let here = self.at(pass, *step)?;
                changes.push(here.f_sub(&before)?);
                points.push(here.f_add(&before)?.f_mul_scalar(0.5)?);
                before = here;
            }
            let gradients = pass.gradients_at(&Tensor::f_cat(&points, 0)?)?;
            for (gradient, change) in gradients.iter().zip(&changes) {
                map = map.f_add_(&gradient.f_mul(change)?)?;
            }
        }
        let change = pass.scores()?.f_sub(&sent(&there, pass.images().device())?)?;
        Ok(Attribution::complete(map, change))
    }
}
