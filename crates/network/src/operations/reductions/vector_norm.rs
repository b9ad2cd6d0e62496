//! Lengths of vectors.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "vector_norm",
    summary: "norm over dimensions, as normalised vectors have it",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.linalg_vector_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let dims = call.dims("self", &call.need::<Vec<i64>>("dim")?)?;
    let norm = VectorNorm { order: call.get("ord", 2.0)?, dims, keep: call.get("keepdim", false)? };
    call.apply(norm, &[input])
}

/// The norm of some order over `dims`, none of which is that of the images.
#[derive(Clone, Debug)]
pub(crate) struct VectorNorm {
    pub(crate) order: f64,
    pub(crate) dims: Vec<i64>,
    /// Whether the dimensions stay, with size 1.
    pub(crate) keep: bool,
}

impl VectorNorm {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_norm_scalaropt_dim(self.order, self.dims.as_slice(), self.keep)
    }
}

impl Operation for VectorNorm {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }
}
