//! Batch normalisation with the running statistics of training: a scale and a shift per channel.

use tch::{Kind, TchError, Tensor};

use super::Entry;
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Part, Reach, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "batch_norm",
    summary: "batch normalisation by running statistics",
    deep_lift: "linear",
    aten: &["aten.batch_norm", "aten._native_batch_norm_legit_no_training"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    if call.get("training", false)? {
        return Err(call.fault("training", "expected running statistics: export model.eval()"));
    }
    let (mean, variance) = (call.constant("running_mean")?, call.constant("running_var")?);
    let weight = call.optional_constant("weight")?.map_or_else(|| mean.f_ones_like(), Ok)?;
    let bias = call.optional_constant("bias")?.map_or_else(|| mean.f_zeros_like(), Ok)?;
    let norm = BatchNorm::new([weight, bias, mean, variance], call.get("eps", BatchNorm::EPS)?)?;
    call.apply(norm, &[input])
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) mean: Tensor,
    pub(crate) variance: Tensor,
    pub(crate) eps: f64,
    /// `weight / sqrt(variance + eps)`, `[c]`: all that the backward pass needs.
    scale: Tensor,
}

impl BatchNorm {
    /// Added to the variance unless a model says otherwise.
    pub(crate) const EPS: f64 = 1e-5;

    /// From the four tensors that PyTorch stores, `[c]` each.
    pub(crate) fn new(parts: [Tensor; 4], eps: f64) -> Result<Self, TchError> {
        let [weight, bias, mean, variance] = parts;
        let kind = weight.f_kind()?;
        let mut norm = Self { scale: weight.shallow_clone(), weight, bias, mean, variance, eps };
        norm.scale = norm.scale()?.f_to_kind(kind)?;
        Ok(norm)
    }

    /// `weight / sqrt(variance + eps)` in double precision.
    pub(crate) fn scale(&self) -> Result<Tensor, TchError> {
        let deviation = self.variance.f_to_kind(Kind::Double)?.f_add_scalar(self.eps)?.f_sqrt()?;
        self.weight.f_to_kind(Kind::Double)?.f_div(&deviation)
    }
}

impl Operation for BatchNorm {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let (mean, variance) = (Some(&self.mean), Some(&self.variance));
        Ok((inputs[0].f_batch_norm(weight, bias, mean, variance, false, 0.1, self.eps, true)?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        let mut shape = vec![1_i64; gradient.dim()];
        shape[1] = -1;
        // Values may be narrower than statistics.
        let scale = self.scale.f_to_kind(gradient.f_kind()?)?;
        Ok(vec![gradient.f_mul(&scale.f_view(shape.as_slice())?)?])
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn part(&self) -> Part<'_> {
        Part::BatchNorm(self)
    }

    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
