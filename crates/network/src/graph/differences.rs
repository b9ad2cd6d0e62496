//! `DeepLIFT`'s backward pass: changes between an image and its baseline instead of slopes.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::proof::Use;
use super::{Graph, Id, Pair, Sum, Trace};

impl Graph {
    /// The pass of `baselines`, one row for all or `rows`, as [`Graph::multipliers`] takes it.
    ///
    /// One row is computed once and broadcast, unless an image has several rows somewhere (windows,
    /// tokens in front): there each image's must meet its own.
    pub fn trace_reference(&self, baselines: &Tensor, rows: i64) -> Result<Trace, TchError> {
        reference(baselines, rows, |baselines| self.trace_values(baselines))
    }

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
        if trace.lowered {
            self.prove_pass(trace.images(), trace.size()?, Use::Multipliers(semantics))?;
        }
        let graph = self.of(trace);
        graph.leave(graph.walk(&graph.enter(gradient)?, 0, graph.compared(trace, reference, semantics))?)
    }

    /// One step of the pass backward.
    pub(super) fn compared<'a>(
        &'a self,
        trace: &'a Trace,
        reference: &'a Trace,
        semantics: Semantics,
    ) -> impl Fn(Id, &Tensor, &mut [Sum]) -> Result<(), TchError> + 'a {
        move |id, gradient, sums| {
            let node = &self.nodes[id];
            let captum = semantics != Semantics::Exact;
            // A hook reads the gradient before a hooked module behind it has replaced it.
            let functional_is_plain = semantics == Semantics::Captum;
            let hooked = |input: &usize| self.nodes[*input].operation.is_relu(!functional_is_plain);
            let behind_relu = node.inputs.first().is_some_and(hooked);
            let pair = Pair {
                here: &trace.kept[id],
                there: &reference.kept[id],
                captum,
                pool_is_plain: captum && behind_relu,
                functional_is_plain,
            };
            node.operation.multipliers_onto(&pair, gradient, sums)
        }
    }
}

/// The pass of `baselines`, as [`Graph::trace_reference`] gives it, of passes that `run` makes.
pub(super) fn reference(
    baselines: &Tensor,
    rows: i64,
    run: impl Fn(&Tensor) -> Result<Trace, TchError>,
) -> Result<Trace, TchError> {
    let trace = run(baselines)?;
    // What is fed by nothing is a constant, and does not count.
    let mut values = trace.kept.iter().filter(|kept| !kept.shapes.is_empty());
    let fit = values.all(|kept| kept.output_shape.first() == Some(&1));
    if baselines.size().first() != Some(&1) || rows == 1 || fit {
        return Ok(trace);
    }
    run(&baselines.f_expand([rows, -1, -1, -1], false)?.f_contiguous()?)
}
