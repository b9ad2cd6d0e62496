//! Normalisation by the root of the mean square.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "rms_norm",
    summary: "normalisation by the root of the mean square over the last dimensions",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.rms_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let norm = RmsNorm {
        shape: call.need("normalized_shape")?,
        weight: call.optional_constant("weight")?,
        eps: call.optional("eps")?,
    };
    call.apply(norm, &[input])
}

/// `x / sqrt(mean(x^2) + eps) * weight`.
#[derive(Debug)]
struct RmsNorm {
    /// Sizes of the last dimensions.
    shape: Vec<i64>,
    weight: Option<Tensor>,
    /// The smallest step of the type, if none is given.
    eps: Option<f64>,
}

impl RmsNorm {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_rms_norm(self.shape.as_slice(), self.weight.as_ref(), self.eps)
    }
}

impl Operation for RmsNorm {
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
