//! Group normalisation: statistics of each image over groups of channels.

use tch::{TchError, Tensor};

use super::batch_norm::BatchNorm;
use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "group_norm",
    summary: "group normalisation, and instance normalisation: groups of one channel",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.group_norm", "aten.instance_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    if !call.get("use_input_stats", true)? {
        // Those of training, as a batch norm has them.
        let norm = BatchNorm::from_call(call)?;
        return call.apply(norm, &[input]);
    }
    let groups = if call.operator() == "group_norm" { call.need("num_groups")? } else { instances(call)? };
    let norm = GroupNorm {
        groups,
        weight: call.optional_constant("weight")?,
        bias: call.optional_constant("bias")?,
        eps: call.get("eps", 1e-5)?,
    };
    call.apply(norm, &[input])
}

/// The channels of an instance norm by the statistics of each image.
fn instances(call: &Call<'_>) -> Result<i64, ExportError> {
    match call.shape("input")?.get(1) {
        Some(Some(Size::Fixed(channels))) => Ok(*channels),
        _ => Err(call.fault("input", "expected a known number of channels")),
    }
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, both statistics over an image's group of channels.
#[derive(Debug)]
pub(crate) struct GroupNorm {
    pub(crate) groups: i64,
    /// `[c]`, as the bias.
    pub(crate) weight: Option<Tensor>,
    pub(crate) bias: Option<Tensor>,
    pub(crate) eps: f64,
}

impl GroupNorm {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_group_norm(self.groups, self.weight.as_ref(), self.bias.as_ref(), self.eps, true)
    }
}

impl Operation for GroupNorm {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((self.of(inputs[0])?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
