//! Gradients that libtorch's autograd gives, for operations where a formula of our own would be no better.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept};

/// The gradient of the only input of a linear map. It is the same wherever the map is taken, so that nothing is kept for the
/// gradient.
pub(super) fn linear_gradient(
    kept: &Kept,
    gradient: &Tensor,
    map: impl Fn(&Tensor) -> Result<Tensor, TchError>,
) -> Result<Vec<Tensor>, TchError> {
    let like = Tensor::f_zeros(kept.shape(0)?, (gradient.f_kind()?, gradient.device()))?;
    plain_gradient(&[like], gradient, |inputs| map(&inputs[0]))
}

/// The output of a `function` whose inputs [`plain_gradient`] needs, and these inputs, if `how` asks to keep them.
pub(super) fn run_keeping(
    inputs: &[&Tensor],
    how: How,
    function: impl FnOnce(&[&Tensor]) -> Result<Tensor, TchError>,
) -> Result<(Tensor, Vec<Tensor>), TchError> {
    let kept = inputs.iter().filter(|_| how.keep).map(|input| input.shallow_clone()).collect();
    Ok((function(inputs)?, kept))
}

/// The gradient of each of `inputs` by libtorch's autograd: `gradient` is that of `function`'s output.
pub(super) fn plain_gradient(
    inputs: &[Tensor],
    gradient: &Tensor,
    function: impl FnOnce(&[Tensor]) -> Result<Tensor, TchError>,
) -> Result<Vec<Tensor>, TchError> {
    tch::with_grad(|| {
        let leaves = inputs.iter().map(|input| input.f_detach()?.f_set_requires_grad(true));
        let leaves = leaves.collect::<Result<Vec<_>, _>>()?;
        let output = function(&leaves)?.f_mul(gradient)?.f_sum(gradient.f_kind()?)?;
        Tensor::f_run_backward(&[output], &leaves, false, false)
    })
}

/// `gradient` of a broadcast value, summed to the `shape` that it had before.
pub(crate) fn reduced(gradient: &Tensor, shape: &[i64]) -> Result<Tensor, TchError> {
    let found = gradient.size();
    if found == shape {
        return Ok(gradient.shallow_clone());
    }
    let added = found.len() - shape.len().min(found.len());
    let widened = (0..shape.len()).filter(|&at| shape[at] == 1 && found[at + added] != 1).map(|at| at + added);
    let dims: Vec<i64> = (0..added).chain(widened).map(|dim| dim as i64).collect();
    gradient.f_sum_dim_intlist(dims.as_slice(), true, gradient.f_kind()?)?.f_view(shape)
}
