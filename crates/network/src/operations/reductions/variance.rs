//! Variances and standard deviations over dimensions.

use tch::{TchError, Tensor};

use super::mean::Mean;
use crate::graph::{How, Kept, Operation};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "variance",
    summary: "variance or standard deviation over dimensions, and the mean beside it",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.var", "aten.std", "aten.var_mean", "aten.std_mean"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let inputs = [call.value("self")?];
    let given: Vec<i64> = call.get("dim", Vec::new())?;
    // No dimension given means all of them, the images' too.
    let dims = if given.is_empty() { (0..call.shape("self")?.len() as i64).collect() } else { given };
    let dims = call.dims("self", &dims)?;
    let unbiased = f64::from(u8::from(call.get("unbiased", true)?));
    let (correction, keep) = (call.get("correction", unbiased)?, call.get("keepdim", false)?);
    let root = call.operator().starts_with("std");
    let spread = call.apply(Variance { dims: dims.clone(), keep, correction, root }, &inputs)?;
    if !call.operator().ends_with("_mean") {
        return Ok(spread);
    }
    Ok(Value::List(vec![spread, call.apply(Mean { dims, keep, sum: false }, &inputs)?]))
}

/// Variance over `dims`, none of which is that of the images.
#[derive(Clone, Debug)]
struct Variance {
    /// Dimensions, counted from 0.
    dims: Vec<i64>,
    /// Whether the reduced dimensions stay, with size 1.
    keep: bool,
    /// Number that is subtracted from the number of values in the divisor.
    correction: f64,
    /// Whether the root of the variance is wanted.
    root: bool,
}

impl Variance {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (dims, keep, correction) = (self.dims.as_slice(), self.keep, self.correction);
        if self.root { x.f_std_correction(dims, correction, keep) } else { x.f_var_correction(dims, correction, keep) }
    }
}

impl Operation for Variance {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }
}
