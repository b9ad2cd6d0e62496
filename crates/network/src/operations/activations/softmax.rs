//! Softmax inside a network.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "softmax",
    summary: "softmax along a dimension, or its logarithm",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.softmax", "aten._softmax", "aten.log_softmax", "aten._log_softmax"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let dim = call.dim("dim", -1)?;
    let log = call.operator().ends_with("log_softmax");
    call.apply(Softmax { dim, log }, &[input])
}

/// Softmax along dimension `dim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Softmax {
    pub(crate) dim: i64,
    /// Whether its logarithm is wanted.
    pub(crate) log: bool,
}

impl Softmax {
    fn of(self, x: &Tensor) -> Result<Tensor, TchError> {
        if self.log { x.f_log_softmax(self.dim, None) } else { x.f_softmax(self.dim, None) }
    }
}

impl Operation for Softmax {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }
}
