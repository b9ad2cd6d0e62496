//! `DeepLIFT`'s backward pass: changes between an image and its baseline instead of slopes.

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::{Graph, Kept, Pair, Trace};

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
            let tiled = tiled(&trace.kept[id], &reference.kept[id])?;
            let pair = Pair {
                here: &trace.kept[id],
                there: tiled.as_ref().unwrap_or(&reference.kept[id]),
                captum,
                pool_is_plain: captum && behind_relu,
                functional_is_plain: semantics == Semantics::Captum,
            };
            node.operation.multipliers(&pair, gradient)
        })
    }
}

/// What the baseline left, where an image has several rows (windows, say): one baseline's rows are then
/// repeated for every image, because they would not broadcast.
fn tiled(here: &Kept, there: &Kept) -> Result<Option<Kept>, TchError> {
    let (Some((inputs, output)), Some((inputs_there, output_there))) = (&here.values, &there.values) else {
        return Ok(None);
    };
    if times(output, output_there) == 1 {
        return Ok(None);
    }
    let all =
        |here: &[Tensor], there: &[Tensor]| here.iter().zip(there).map(|(here, there)| tile(here, there)).collect();
    let inputs: Result<Vec<Tensor>, TchError> = all(inputs, inputs_there);
    let tensors: Result<Vec<Tensor>, TchError> = all(&here.tensors, &there.tensors);
    Ok(Some(Kept {
        shapes: here.shapes.clone(),
        output_shape: here.output_shape.clone(),
        tensors: tensors?,
        values: Some((inputs?, tile(output, output_there)?)),
    }))
}

/// How often the rows of `there` go into those of `here`; once where broadcasting will do.
fn times(here: &Tensor, there: &Tensor) -> i64 {
    match (here.size().first(), there.size().first()) {
        (Some(here), Some(there)) if *there > 1 && here > there && here % there == 0 => here / there,
        _ => 1,
    }
}

fn tile(here: &Tensor, there: &Tensor) -> Result<Tensor, TchError> {
    let mut repeats = vec![1; there.dim()];
    match repeats.first_mut() {
        Some(rows) => *rows = times(here, there),
        None => return Ok(there.shallow_clone()),
    }
    there.f_repeat(&repeats)
}
