//! Group normalisation: statistics of each image over groups of channels.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "group_norm",
    summary: "group normalisation",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.group_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let norm = GroupNorm {
        groups: call.need("num_groups")?,
        weight: call.optional_constant("weight")?,
        bias: call.optional_constant("bias")?,
        eps: call.get("eps", 1e-5)?,
    };
    call.apply(norm, &[input])
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

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
