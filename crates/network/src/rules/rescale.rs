//! `DeepLIFT`'s rescale rule: changes between an image and its baseline instead of slopes.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::entry::Entry;
use crate::graph::{Compared, Graph, Keep, Layer, Pair, Place, Rule, Step, Steps, Sum, Trace, unkept};

pub(super) const ENTRY: Entry = Entry {
    name: "rescale",
    summary: "the change of an output over that of its input, between an image and its baseline, instead of the slope",
    choices: || {
        let semantics = [Semantics::Exact, Semantics::Captum, Semantics::CaptumPatched];
        semantics.into_iter().map(|semantics| Box::new(Rescale(semantics)) as Box<dyn Rule>).collect()
    },
};

/// The rescale rule of Shrikumar et al. 2017, <https://arxiv.org/abs/1704.02685>: at every
/// elementwise function the change of the output over that of the input; at a max pool the change
/// goes to the winner whose value made it; products share theirs equally. With [`Semantics::Exact`]
/// the multipliers times the change of the image sum to the change of the logit, on graphs whose
/// other operations are linear. Each operation's file says what its multipliers are.
#[derive(Clone, Copy, Debug)]
pub struct Rescale(pub Semantics);

impl Rule for Rescale {
    fn name(&self) -> String {
        format!("multipliers ({:?})", self.0)
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

impl Steps for Rescale {
    fn reads(&self, place: Place<'_>) -> bool {
        place.operation().compared().is_some_and(Compared::reads_values)
    }

    fn take(&self, step: &Step<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
        let Some(compared) = step.place.operation().compared() else { return Ok(false) };
        let captum = self.0 != Semantics::Exact;
        // A hook reads the gradient before a hooked module behind it has replaced it.
        let functional_is_plain = self.0 == Semantics::Captum;
        let before = step.place.before().and_then(|operation| operation.gated());
        let behind_relu = before.is_some_and(|relu| !functional_is_plain || !relu.is_functional());
        let pair = Pair {
            here: step.kept,
            there: step.reference.ok_or_else(unkept)?,
            captum,
            pool_is_plain: captum && behind_relu,
            functional_is_plain,
        };
        compared.multipliers_onto(&pair, gradient, sums)?;
        Ok(true)
    }

    fn compare(&self) -> bool {
        true
    }

    fn know_fused(&self) -> bool {
        true
    }
}

impl Graph {
    /// Forward pass that keeps also the values by which [`Graph::multipliers`] compares two passes.
    pub fn trace_values(&self, images: &Tensor) -> Result<Trace, TchError> {
        self.trace_for(images, &Rescale(Semantics::Exact))
    }

    /// The pass of `baselines`, one row for all or `rows`, as [`Graph::multipliers`] takes it.
    ///
    /// One row is computed once and broadcast, unless an image has several rows somewhere (windows,
    /// tokens in front): there each image's must meet its own.
    pub fn trace_reference(&self, baselines: &Tensor, rows: i64) -> Result<Trace, TchError> {
        Trace::of_baselines(baselines, rows, |baselines| self.trace_values(baselines))
    }

    /// The value of `layer` for `images`, and its multipliers for the logits `targets` `[n]` against a value of zeros: both `[n, ..]`, as
    /// [`Graph::layer_gradient`] gives them, on the plain graph. Their products sum to what the logit loses if the layer is zero.
    pub fn layer_multipliers(
        &self,
        images: &Tensor,
        targets: &Tensor,
        layer: Layer,
    ) -> Result<(Tensor, Tensor), TchError> {
        let rule = Rescale(Semantics::Exact);
        let (value, _) = self.layer_gradient(images, targets, layer)?;
        let here = self.run(images, Keep::For(&rule))?;
        let there = self.run_without(images, Keep::For(&rule), Some(layer.0))?;
        let seed = self.select(here.logits(), targets)?;
        let multipliers = self.walk(&self.enter(&seed)?, layer.0, self.back(&here, Some(&there), &rule))?;
        Ok((value, self.as_picture(&here, layer.0, self.leave(multipliers)?)?))
    }

    /// Multipliers `[n, channels, h, w]` of the images of `trace` against the baselines of `reference`
    /// (n rows, or one for all), from `gradient` `[n, classes]` of the logits, by [`Rescale`]. Both traces are of
    /// [`Graph::trace_values`].
    pub fn multipliers(
        &self,
        trace: &Trace,
        reference: &Trace,
        gradient: &Tensor,
        semantics: Semantics,
    ) -> Result<Tensor, TchError> {
        self.backward_between(trace, Some(reference), gradient, &Rescale(semantics))
    }
}
