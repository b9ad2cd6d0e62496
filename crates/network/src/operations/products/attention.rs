//! Scaled dot-product attention.

use tch::{Kind, TchError, Tensor};

use super::matmul::Matmul;
use crate::graph::{How, Kept, Operation, Size};
use crate::operations::activations::softmax::Softmax;
use crate::operations::arithmetic::two_values::{Add, times};
use crate::operations::arrangements::reshape::Permute;
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "attention",
    summary: "scaled dot-product attention: softmax(q k^T scale) v",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.scaled_dot_product_attention"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let parts = [call.value("query")?, call.value("key")?, call.value("value")?];
    if call.get("dropout_p", 0.0)? != 0.0 {
        return Err(call.fault(
            "dropout_p",
            "expected 0: pass `dropout_p=p if self.training else 0.0` to it, and export model.eval()",
        ));
    }
    if call.get("enable_gqa", false)? {
        return Err(call.fault("enable_gqa", "queries that share keys are not supported"));
    }
    let (scale, causal) = (call.optional("scale")?, call.get("is_causal", false)?);
    let mask = match call.optional_value("attn_mask")? {
        Some(mask @ Value::Images(_)) => return by_parts(call, parts, mask, scale),
        _ => call.optional_constant("attn_mask")?,
    };
    call.apply(Attention { scale, causal, mask }, &parts)
}

/// Attention whose mask depends on the image, as positions that are products with the queries do: by the operations that it is made of.
fn by_parts(
    call: &mut Call<'_>,
    [query, key, value]: [Value; 3],
    mask: Value,
    scale: Option<f64>,
) -> Result<Value, ExportError> {
    if call.kind("attn_mask") == Some(Kind::Bool) {
        return Err(call.fault(
            "attn_mask",
            "depends on the images, and is not added but hides tokens; expected numbers that are added",
        ));
    }
    let shape = call.shape("key")?;
    let (Some(Some(Size::Fixed(width))), rank) = (shape.last(), shape.len() as i64) else {
        return Err(call.fault("key", "expected a number of values for each token"));
    };
    let scale = scale.unwrap_or(1.0 / (*width as f64).sqrt());
    let mut order: Vec<i64> = (0..rank).collect();
    order.swap(rank as usize - 2, rank as usize - 1);
    let turned = call.apply(Permute { order }, &[key])?;
    let products = call.apply(Matmul, &[query, turned])?;
    let scaled = times(call, &products, scale)?;
    let masked = call.apply(Add, &[scaled, mask])?;
    let weights = call.apply(Softmax { dim: rank - 1, log: false }, &[masked])?;
    call.apply(Matmul, &[weights, value])
}

/// Attention over queries, keys and values, each `[n, heads, tokens, width]`.
#[derive(Debug)]
pub(crate) struct Attention {
    /// Factor of the products; `1 / sqrt(width)` if not given.
    pub(crate) scale: Option<f64>,
    /// Whether a token sees earlier ones only.
    pub(crate) causal: bool,
    /// Added to the products, or true where a token is seen; the same for all images.
    pub(crate) mask: Option<Tensor>,
}

impl Attention {
    /// Weights `[n, heads, tokens, tokens]` with which tokens look at one another: each row sums to 1.
    pub(crate) fn weights(&self, query: &Tensor, key: &Tensor) -> Result<Tensor, TchError> {
        let width = query.size().last().copied().unwrap_or(1);
        let scale = self.scale.unwrap_or(1.0 / (width as f64).sqrt());
        let mut products = query.f_matmul(&key.f_transpose(-2, -1)?)?.f_mul_scalar(scale)?;
        let seen = |mask: &Tensor, products: &Tensor| products.f_masked_fill(&mask.f_logical_not()?, f64::NEG_INFINITY);
        if self.causal {
            let size = products.size();
            let all = Tensor::f_ones(&size[size.len() - 2..], (Kind::Bool, products.device()))?;
            products = seen(&all.f_tril(0)?, &products)?;
        }
        match &self.mask {
            Some(mask) if mask.f_kind()? == Kind::Bool => products = seen(mask, &products)?,
            Some(mask) => products = products.f_add(mask)?,
            None => {}
        }
        products.f_softmax(-1, None)
    }

    fn of(&self, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor, TchError> {
        Tensor::f_scaled_dot_product_attention(
            query,
            key,
            value,
            self.mask.as_ref(),
            0.0,
            self.causal,
            self.scale,
            false,
        )
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

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0], &inputs[1], &inputs[2]))
    }

    fn mixes_tokens(&self) -> bool {
        true
    }
}
