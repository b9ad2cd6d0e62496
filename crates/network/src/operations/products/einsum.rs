//! Sums of products over named dimensions.

use std::collections::BTreeMap;

use tch::{TchError, Tensor};

use crate::graph::{Compared, How, Kept, Operation, Pair};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
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
    let equation: String = call.need("equation")?;
    if let [Value::Constant(left), Value::Constant(right)] = &factors[..] {
        // What is made of constants is no larger than all of their dimensions together.
        call.few(&dimensions(&equation, [left, right]))?;
    }
    call.apply(Einsum { equation }, &factors)
}

/// The sizes of the product that `equation` makes of `factors`; of dimensions that `equation` does not name, all.
fn dimensions(equation: &str, factors: [&Tensor; 2]) -> Vec<i64> {
    let (inputs, output) = equation.split_once("->").unwrap_or((equation, equation));
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphabetic()).collect::<Vec<_>>();
    if equation.contains('.') {
        return factors.iter().map(|factor| factor.numel() as i64).collect();
    }
    let named = inputs
        .split(',')
        .map(letters)
        .zip(factors)
        .flat_map(|(letters, factor)| letters.into_iter().zip(factor.size()));
    let sizes: BTreeMap<char, i64> = named.collect();
    letters(output).iter().filter_map(|letter| sizes.get(letter).copied()).collect()
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

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(inputs))
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Einsum {
    /// Linear in each factor: its change is the gradient half way between both passes.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        plain_gradient(&[pair.midway(0)?, pair.midway(1)?], gradient, |inputs| self.of(inputs))
    }
}
