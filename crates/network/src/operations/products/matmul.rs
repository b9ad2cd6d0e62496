//! Products of two matrices that both depend on the images.

use tch::{TchError, Tensor};

use crate::graph::{Compared, How, Kept, Operation, Pair};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "matmul",
    summary: "product of two matrices, or of batches of them",
    deep_lift: "shares its change equally between both (captum: plain gradient)",
    aten: &["aten.matmul", "aten.bmm", "aten.mm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let (left, right) = (call.value("self")?, call.value(if call.operator() == "matmul" { "other" } else { "mat2" })?);
    call.apply(Matmul, &[left, right])
}

/// Product `a b` over the last two dimensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matmul;

impl Operation for Matmul {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let [left, right] = inputs else {
            return Err(TchError::Shape(format!("a product of {} matrices, expected 2", inputs.len())));
        };
        let kept = if how.keep { vec![left.shallow_clone(), right.shallow_clone()] } else { Vec::new() };
        Ok((left.f_matmul(right)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| inputs[0].f_matmul(&inputs[1]))
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Matmul {
    /// The product is linear in each factor: its change is the gradient half way between both passes.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        plain_gradient(&[pair.midway(0)?, pair.midway(1)?], gradient, |inputs| inputs[0].f_matmul(&inputs[1]))
    }
}
