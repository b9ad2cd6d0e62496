//! Batch normalisation with the running statistics of training: a scale and a shift per channel.

use tch::{Kind, TchError, Tensor};

use crate::graph::{How, Kept, Local, Operation, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "batch_norm",
    summary: "batch normalisation by running statistics",
    deep_lift: "linear",
    aten: &["aten.batch_norm", "aten._native_batch_norm_legit_no_training"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    if call.get("training", false)? {
        return by_its_own(call, &input);
    }
    let norm = BatchNorm::from_call(call)?;
    call.apply(norm, &[input])
}

/// Normalisation by the statistics of the value itself: of a weight, as weight standardisation has it, but never of a batch of
/// images.
fn by_its_own(call: &mut Call<'_>, input: &Value) -> Result<Value, ExportError> {
    let Some(tensor) = input.tensor() else { return Err(call.fault("training", batch_statistics(call))) };
    let (weight, bias) = (call.optional_constant("weight")?, call.optional_constant("bias")?);
    let eps = call.get("eps", BatchNorm::EPS)?;
    let (weight, bias, none) = (weight.as_ref(), bias.as_ref(), None::<&Tensor>);
    Ok(tensor.f_batch_norm(weight, bias, none, none, true, 0.1, eps, true)?.into())
}

/// Why images are not normalised by the statistics of their batch.
fn batch_statistics(call: &Call<'_>) -> &'static str {
    if !call.gives("running_mean") {
        return "the statistics of the batch would mix its images (track_running_stats=False): what is said of one would \
                depend on those beside it; a batch norm with running statistics, a group norm or an instance norm does not";
    }
    if call.is_in_module("BatchNorm2d") || call.is_in_module("BatchNorm1d") || call.is_in_module("SyncBatchNorm") {
        "the statistics of the batch would mix its images: it was exported in training; export model.eval()"
    } else {
        "the statistics of the batch would mix its images: `forward` asks for them; pass training=self.training to \
         F.batch_norm, and export model.eval()"
    }
}

/// Batch norm `(x - mean) / sqrt(variance + eps) * weight + bias`.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) mean: Tensor,
    pub(crate) variance: Tensor,
    pub(crate) eps: f64,
    /// Scale `weight / sqrt(variance + eps)`, `[c]`: the backward pass needs nothing else.
    scale: Tensor,
}

impl BatchNorm {
    /// Added to the variance unless a model says otherwise.
    pub(crate) const EPS: f64 = 1e-5;

    /// Batch norm of the four tensors that PyTorch stores, `[c]` each.
    pub(crate) fn new(parts: [Tensor; 4], eps: f64) -> Result<Self, TchError> {
        let [weight, bias, mean, variance] = parts;
        let kind = weight.f_kind()?;
        let mut norm = Self { scale: weight.shallow_clone(), weight, bias, mean, variance, eps };
        norm.scale = norm.scale()?.f_to_kind(kind)?;
        Ok(norm)
    }

    /// Batch norm with the running statistics that `call` is given.
    pub(in crate::operations) fn from_call(call: &mut Call<'_>) -> Result<Self, ExportError> {
        let (mean, variance) = (call.constant("running_mean")?, call.constant("running_var")?);
        let weight = call.optional_constant("weight")?.map_or_else(|| mean.f_ones_like(), Ok)?;
        let bias = call.optional_constant("bias")?.map_or_else(|| mean.f_zeros_like(), Ok)?;
        Ok(Self::new([weight, bias, mean, variance], call.get("eps", Self::EPS)?)?)
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

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let mut shape = vec![1_i64; gradient.dim()];
        shape[1] = -1;
        // Values may be narrower than statistics.
        let scale = self.scale.f_to_kind(gradient.f_kind()?)?;
        Ok(vec![gradient.f_mul(&scale.f_view(shape.as_slice())?)?])
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for BatchNorm {}
