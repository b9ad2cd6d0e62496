//! The fully connected layer.

use tch::{TchError, Tensor};

use super::Entry;
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "linear",
    summary: "x W^T + b over the last dimension",
    deep_lift: "linear",
    aten: &["aten.linear"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let (weight, bias) = (call.constant("weight")?, call.optional_constant("bias")?);
    call.apply(Linear { weight, bias }, &[input])
}

/// `x W^T + b`, `[.., in]` to `[.., out]`.
#[derive(Debug)]
pub(crate) struct Linear {
    /// `[out, in]`.
    pub(crate) weight: Tensor,
    /// `[out]`.
    pub(crate) bias: Option<Tensor>,
}

impl Operation for Linear {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_linear(&self.weight, self.bias.as_ref())?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![gradient.f_matmul(&self.weight)?])
    }

    fn gives_away(&self) -> bool {
        true
    }
}
