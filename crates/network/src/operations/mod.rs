//! The operations: each a file with its forward and its backward step, and one line in the list.

mod arithmetic;
mod attention;
mod average_pool;
mod batch_norm;
mod concatenate;
mod constant;
mod convolution;
mod elementwise;
mod layer_norm;
mod linear;
mod matmul;
mod max_pool;
mod reduce;
mod relu;
mod reshape;
mod select;
mod softmax;

use tch::{TchError, Tensor};

pub(crate) use arithmetic::{Add, Arithmetic};
pub(crate) use attention::Attention;
pub(crate) use average_pool::AveragePool;
pub(crate) use batch_norm::BatchNorm;
pub(crate) use concatenate::Concatenate;
pub(crate) use constant::{Constant, Images};
pub(crate) use convolution::{Convolution, Geometry};
pub(crate) use elementwise::Function;
pub(crate) use layer_norm::LayerNorm;
pub(crate) use linear::Linear;
pub(crate) use matmul::Matmul;
pub(crate) use max_pool::MaxPool;
pub(crate) use reduce::Mean;
pub(crate) use relu::Relu;
pub(crate) use reshape::{Permute, Reshape, Size};
pub(crate) use select::{Select, Slice};
pub(crate) use softmax::Softmax;

/// Every operation that a graph is made of.
pub const OPERATIONS: &[&Entry] = &[
    &convolution::ENTRY,
    &batch_norm::ENTRY,
    &relu::ENTRY,
    &elementwise::ENTRY,
    &max_pool::ENTRY,
    &average_pool::ENTRY,
    &linear::ENTRY,
    &arithmetic::ENTRY,
    &concatenate::ENTRY,
    &layer_norm::ENTRY,
    &attention::ENTRY,
    &softmax::ENTRY,
    &matmul::ENTRY,
    &reduce::ENTRY,
    &reshape::ENTRY,
    &select::ENTRY,
    &constant::ENTRY,
];

/// A kind of operation, for the catalogue.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What `DeepLIFT` does with it.
    pub deep_lift: &'static str,
}

/// The gradient of each of `inputs` by libtorch's autograd: `gradient` is that of `function`'s output.
fn plain_gradient(
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
fn reduced(gradient: &Tensor, shape: &[i64]) -> Result<Tensor, TchError> {
    let found = gradient.size();
    if found == shape {
        return Ok(gradient.shallow_clone());
    }
    let added = found.len() - shape.len().min(found.len());
    let widened = (0..shape.len()).filter(|&at| shape[at] == 1 && found[at + added] != 1).map(|at| at + added);
    let dims: Vec<i64> = (0..added).chain(widened).map(|dim| dim as i64).collect();
    gradient.f_sum_dim_intlist(dims.as_slice(), true, gradient.f_kind()?)?.f_view(shape)
}
