//! `DeepLIFT` with the rescale rule: the change of the logit, shared out layer by layer.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use crate::baseline::{Baseline, OWN_BASELINES, SIGMA};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::of_complete(
    [
        "DeepLift",
        "(x - b) times the multipliers of the rescale rule",
        "Shrikumar et al. 2017, https://arxiv.org/abs/1704.02685",
    ],
    &[OWN_BASELINES, SIGMA],
    |parameters, semantics| Ok(Box::new(DeepLift { baseline: Baseline::from(parameters)?, semantics })),
);

/// `DeepLIFT`: two forward passes and one backward pass. The pass of a baseline that all images share has one row.
struct DeepLift {
    baseline: Baseline,
    semantics: Semantics,
}

impl Method for DeepLift {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (map, change) = contribution(pass, self.baseline, self.semantics)?;
        Ok(Attribution::complete(map, change))
    }
}

/// Map against one baseline, and the change of the target logit from the baseline.
pub(super) fn contribution(
    pass: &Pass<'_>,
    baseline: Baseline,
    semantics: Semantics,
) -> Result<(Tensor, Tensor), TchError> {
    let reference = pass.reference(baseline)?;
    let multipliers = pass.multipliers(&reference.trace, semantics)?;
    let change = pass.scores()?.f_sub(&pass.selected(reference.trace.logits())?)?;
    Ok((pass.images().f_sub(&reference.image)?.f_mul(&multipliers)?, change))
}
