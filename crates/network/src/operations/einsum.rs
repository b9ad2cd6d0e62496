//! Sums of products over named dimensions.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Pair, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "einsum",
    summary: "sum of products of two values over named dimensions",
    deep_lift: "shares its change equally between both (captum: plain gradient)",
    aten: &["aten.einsum"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let factors = call.values("tensors")?;
    if factors.len() != 2 {
        return Err(call.fault("tensors", "expected two"));
    }
    call.apply(Einsum { equation: call.need("equation")? }, &factors)
}

/// A product of two values that `equation` describes, `b i d, b j d -> b i j`.
#[derive(Debug)]
pub(crate) struct Einsum {
    pub(crate) equation: String,
}

impl Einsum {
    fn of(&self, inputs: &[Tensor]) -> Result<Tensor, TchError> {
        Tensor::f_einsum(&self.equation, inputs, None::<i64>)
    }
}

impl Operation for Einsum {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let inputs: Vec<Tensor> = inputs.iter().map(|input| input.shallow_clone()).collect();
        let output = self.of(&inputs)?;
        Ok((output, if how.keep { inputs } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(inputs))
    }

    /// Linear in each factor: its change is the gradient half way between both passes.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient, Rule::GRADIENT);
        }
        plain_gradient(&[pair.midway(0)?, pair.midway(1)?], gradient, |inputs| self.of(inputs))
    }

    fn compares(&self) -> bool {
        true
    }
}
