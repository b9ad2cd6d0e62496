//! `DeepLIFT`'s backward pass: changes between an image and its baseline instead of slopes.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::{Graph, Pair, Trace};

impl Graph {
    /// Multipliers `[n, channels, h, w]` of the images of `trace` against the baselines of `reference`
    /// (n rows, or one for all), from `gradient` `[n, classes]` of the logits. Both traces are of
    /// [`Graph::trace_values`].
    ///
    /// The rescale rule of Shrikumar et al. 2017, <https://arxiv.org/abs/1704.02685>: at every
    /// elementwise function the change of the output over that of the input; at a max pool the change
    /// goes to the winner whose value made it; products share theirs equally. With [`Semantics::Exact`]
    /// the multipliers times the change of the image sum to the change of the logit, on graphs whose
    /// other operations are linear.
    pub fn multipliers(
        &self,
        trace: &Trace,
        reference: &Trace,
        gradient: &Tensor,
        semantics: Semantics,
    ) -> Result<Tensor, TchError> {
        self.walk(gradient, 0, |id, gradient| {
            let node = &self.nodes[id];
            let captum = semantics != Semantics::Exact;
            // A hook reads the gradient before a hooked module behind it has replaced it.
            let behind_relu = node.inputs.first().is_some_and(|&input| self.nodes[input].operation.is_hooked_relu());
            let pair = Pair {
                here: &trace.kept[id],
                there: &reference.kept[id],
                captum,
                pool_is_plain: captum && behind_relu,
                functional_is_plain: semantics == Semantics::Captum,
            };
            node.operation.multipliers(&pair, gradient)
        })
    }
}
