//! Scaled dot-product attention.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "attention",
    summary: "scaled dot-product attention: softmax(q k^T scale) v",
    deep_lift: "plain gradient: not complete",
};

/// Attention over queries, keys and values, each `[n, heads, tokens, width]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    /// What products are multiplied by; `1 / sqrt(width)` if not given.
    pub(crate) scale: Option<f64>,
    /// Whether a token sees earlier ones only.
    pub(crate) causal: bool,
}

impl Attention {
    fn of(self, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor, TchError> {
        let no_mask = None::<&Tensor>;
        Tensor::f_scaled_dot_product_attention(query, key, value, no_mask, 0.0, self.causal, self.scale, false)
    }
}

impl Operation for Attention {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let [query, key, value] = inputs else {
            return Err(TchError::Shape(format!("attention over {} values, expected 3", inputs.len())));
        };
        let kept = if how.keep { inputs.iter().map(|input| input.shallow_clone()).collect() } else { Vec::new() };
        Ok((self.of(query, key, value)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0], &inputs[1], &inputs[2]))
    }
}
