//! The ReLU: the operation at which backpropagation methods differ.

use tch::{TchError, Tensor};

use crate::graph::{Compared, Gate, Gated, How, Kept, Local, Operation, Pair, Spatial, Sum};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
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

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![Gate::PLAIN.passed(gradient, kept.tensor(0)?)?])
    }

    fn gated(&self) -> Option<&dyn Gated> {
        Some(self)
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for Relu {}

impl Compared for Relu {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let plain = gradient.f_mul(pair.here.tensor(0)?)?;
        pair.rescaled_unless(self.functional && pair.functional_is_plain, gradient, plain)
    }
}

impl Gated for Relu {
    fn is_functional(&self) -> bool {
        self.functional
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, vec![gate.passed(gradient, kept.tensor(0)?)?])
    }
}
