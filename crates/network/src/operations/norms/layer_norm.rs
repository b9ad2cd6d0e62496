//! Layer normalisation.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "layer_norm",
    summary: "layer normalisation over the last dimensions",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.layer_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let norm = LayerNorm {
        shape: call.need("normalized_shape")?,
        weight: call.optional_constant("weight")?,
        bias: call.optional_constant("bias")?,
        eps: call.get("eps", 1e-5)?,
    };
    call.apply(norm, &[input])
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, both statistics over the last dimensions.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// Sizes of the last dimensions.
    pub(crate) shape: Vec<i64>,
    pub(crate) weight: Option<Tensor>,
    pub(crate) bias: Option<Tensor>,
    pub(crate) eps: f64,
}

impl LayerNorm {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_layer_norm(self.shape.as_slice(), self.weight.as_ref(), self.bias.as_ref(), self.eps, true)
    }
}

impl Operation for LayerNorm {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((self.of(inputs[0])?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::OfChannels
    }
}
