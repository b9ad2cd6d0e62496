//! `DeepLIFT` averaged over a distribution of baselines, which approximates SHAP values.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::deep_lift::contribution;
use crate::baseline::{Baseline, DISTRIBUTION, NOISE_DRAWS, distribution};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "DeepLiftShap",
        "DeepLIFT averaged over a distribution of baselines",
        "Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874",
    ],
    &[DISTRIBUTION, NOISE_DRAWS],
    |parameters, semantics| Ok(Box::new(DeepLiftShap { baselines: distribution(parameters)?, semantics })),
);

/// `DeepLIFT` SHAP: one forward pass of the images, and one forward and one backward pass for each baseline.
///
/// Captum takes every image against the noise of all images of its batch, so that its maps depend on
/// the batch; here each image has noise of its own, and the shares are the same.
struct DeepLiftShap {
    baselines: Vec<(Baseline, f64)>,
    semantics: Semantics,
}

impl Method for DeepLiftShap {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let mut map = pass.images().f_zeros_like()?;
        // Scores come from the pass that multipliers need: asked for before it, they would take one of their own.
        let mut change = Tensor::f_zeros([pass.len()], (map.f_kind()?, map.device()))?;
        for (baseline, share) in &self.baselines {
            let (of_one, from_one) = contribution(pass, *baseline, self.semantics)?;
            map = map.f_add_(&of_one.f_mul_scalar(*share)?)?;
            change = change.f_add_(&from_one.f_mul_scalar(*share)?)?;
        }
        Ok(Attribution::complete(map, change))
    }
}
