//! The ReLU: the operation at which backpropagation methods differ.

use tch::{TchError, Tensor};

use super::{Entry, elementwise};
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Pair, Part, Reach, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "relu",
    summary: "max(x, 0); GuidedBackprop and Deconvolution have their rule here",
    deep_lift: "rescale",
    aten: &["aten.relu"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    call.apply(Relu { functional: !call.is_in_module("ReLU") }, &[input])
}

/// max(x, 0).
#[derive(Debug)]
pub(crate) struct Relu {
    /// Whether the model calls the function instead of a module: Captum's hooks miss those.
    pub(crate) functional: bool,
}

impl Operation for Relu {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let output = if how.overwrite { inputs[0].shallow_clone().f_relu_()? } else { inputs[0].f_relu()? };
        let kept = if how.keep { vec![output.f_gt(0.0)?] } else { Vec::new() };
        Ok((output, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, rule: Rule) -> Result<Vec<Tensor>, TchError> {
        let rule = if self.functional && !rule.reaches_functions { Rule::GRADIENT } else { rule };
        Ok(vec![rule.relu(gradient, kept.tensor(0)?)?])
    }

    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let plain = gradient.f_mul(pair.here.tensor(0)?)?;
        if self.functional && pair.functional_is_plain {
            return Ok(vec![plain]);
        }
        Ok(vec![elementwise::rescaled(pair, gradient, &plain)?])
    }

    fn compares(&self) -> bool {
        true
    }

    fn part(&self) -> Part<'_> {
        Part::Relu(self)
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }

    fn is_relu(&self, functions: bool) -> bool {
        functions || !self.functional
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
