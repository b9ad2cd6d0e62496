//! The operations: each a file with its forward and its backward step, and one line in the list.

mod affine;
mod arithmetic;
mod attention;
mod average_pool;
mod batch_norm;
mod compare;
mod concatenate;
mod constant;
mod convolution;
mod detach;
mod einsum;
mod elementwise;
mod expand;
mod extreme;
mod folded;
mod function;
mod glu;
mod group_norm;
mod identity;
mod layer_norm;
mod learned;
mod line;
mod linear;
mod masked;
mod matmul;
mod max_pool;
mod pad;
mod rearrange;
mod reduce;
mod relu;
mod reshape;
mod rms_norm;
mod roll;
mod select;
mod softmax;
mod transposed;
mod upsample;
mod variance;
mod vector_norm;

use tch::{Device, Kind, TchError, Tensor};

use crate::exported::{Call, ExportError, Value};
use crate::graph::Kept;

pub(crate) use arithmetic::Add;
#[cfg(test)]
pub(crate) use arithmetic::Arithmetic;
pub(crate) use attention::Attention;
pub(crate) use average_pool::AveragePool;
pub(crate) use batch_norm::BatchNorm;
pub(crate) use concatenate::Concatenate;
use constant::floating;
pub(crate) use constant::{Constant, Images};
pub(crate) use constant::{MOST, copied};
pub(crate) use convolution::{Convolution, Geometry};
pub(crate) use detach::Detach;
pub(crate) use elementwise::NO_CHANGE;
pub(crate) use function::Function;
pub(crate) use layer_norm::LayerNorm;
pub(crate) use linear::Linear;
pub(crate) use max_pool::MaxPool;
pub(crate) use relu::Relu;
pub(crate) use reshape::{Permute, Reshape, Size};
pub(crate) use select::{Select, Slice};

/// Every operation that a graph is made of.
pub const OPERATIONS: &[&Entry] = &[
    &convolution::ENTRY,
    &transposed::ENTRY,
    &line::ENTRY,
    &batch_norm::ENTRY,
    &relu::ENTRY,
    &elementwise::ENTRY,
    &learned::ENTRY,
    &glu::ENTRY,
    &extreme::ENTRY,
    &compare::ENTRY,
    &compare::CHOICE,
    &max_pool::ENTRY,
    &average_pool::ENTRY,
    &linear::ENTRY,
    &arithmetic::ENTRY,
    &concatenate::ENTRY,
    &layer_norm::ENTRY,
    &group_norm::ENTRY,
    &rms_norm::ENTRY,
    &attention::ENTRY,
    &softmax::ENTRY,
    &matmul::ENTRY,
    &einsum::ENTRY,
    &reduce::ENTRY,
    &vector_norm::ENTRY,
    &variance::ENTRY,
    &reshape::ENTRY,
    &select::ENTRY,
    &expand::ENTRY,
    &rearrange::ENTRY,
    &pad::ENTRY,
    &roll::ENTRY,
    &upsample::ENTRY,
    &masked::ENTRY,
    &constant::ENTRY,
    &folded::ENTRY,
    &identity::ENTRY,
    &detach::ENTRY,
];

/// A kind of operation, for the catalogue.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What `DeepLIFT` does with it.
    pub deep_lift: &'static str,
    /// The `ATen` operators of exported programs that become it: every overload, and the variant in place.
    pub aten: &'static [&'static str],
    /// Makes it from a call of one of them.
    import: Import,
}

/// How a call of an operator becomes operations of a graph.
type Import = fn(&mut Call<'_>) -> Result<Value, ExportError>;

impl Entry {
    /// What `call`, of one of the operators in `aten`, becomes.
    pub(crate) fn import(&self, call: &mut Call<'_>) -> Result<Value, ExportError> {
        (self.import)(call)
    }
}

/// The stride of a pooling: its kernel where a program gives none, or an empty list.
fn strides(call: &Call<'_>, kernel: [i64; 2]) -> Result<[i64; 2], ExportError> {
    let given: Vec<i64> = call.get("stride", Vec::new())?;
    if given.is_empty() { Ok(kernel) } else { call.need("stride") }
}

/// Whether libtorch's choice of kernels on the CPU is to be kept from showing: in single precision.
pub(crate) fn single_on_cpu(tensor: &Tensor) -> Result<bool, TchError> {
    Ok(tensor.device() == Device::Cpu && tensor.f_kind()? == Kind::Float)
}

/// The gradient of the only input of a linear map, which is the same wherever it is taken: nothing is kept for it.
fn linear_gradient(
    kept: &Kept,
    gradient: &Tensor,
    map: impl Fn(&Tensor) -> Result<Tensor, TchError>,
) -> Result<Vec<Tensor>, TchError> {
    let like = Tensor::f_zeros(kept.shape(0)?, (gradient.f_kind()?, gradient.device()))?;
    plain_gradient(&[like], gradient, |inputs| map(&inputs[0]))
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
