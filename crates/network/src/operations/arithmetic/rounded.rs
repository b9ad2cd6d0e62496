//! Quotients that are rounded to whole numbers, and what such a division leaves over.

use tch::{Kind, TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "rounded division",
    summary: "quotient rounded down or towards zero, and what a division leaves over",
    deep_lift: "nothing passes a rounded quotient; plain gradient of what is left over: not complete",
    aten: &["aten.floor_divide", "aten.remainder", "aten.fmod"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    match call.operator() {
        "remainder" => divided(call, Rest { down: true }),
        "fmod" => divided(call, Rest { down: false }),
        _ => divided(call, Quotient { down: true }),
    }
}

/// `div` with a `rounding_mode`.
pub(super) fn quotient(call: &mut Call<'_>, mode: &str) -> Result<Value, ExportError> {
    match mode {
        "floor" => divided(call, Quotient { down: true }),
        "trunc" => divided(call, Quotient { down: false }),
        _ => Err(call.fault("rounding_mode", "expected `floor` or `trunc`")),
    }
}

fn divided(call: &mut Call<'_>, operation: impl Operation + 'static) -> Result<Value, ExportError> {
    let left = call.value("self")?;
    let right = match (left.tensor(), call.optional::<i64>("other")) {
        // Whole numbers stay whole: they may be places.
        (Some(whole), Ok(Some(number))) if whole.f_kind()? == Kind::Int64 => Tensor::from(number).into(),
        _ => match call.operand("other")? {
            // Beside values of images a constant is a number of their type.
            Value::Constant(constant) if left.tensor().is_none() => constant.f_to_kind(call.placed().1)?.into(),
            other => other,
        },
    };
    call.apply(operation, &[left, right])
}

/// A quotient rounded down, or towards zero: without a gradient.
#[derive(Clone, Copy, Debug)]
struct Quotient {
    down: bool,
}

/// Rest of a division, with the sign of the divisor where the quotient is rounded down, else with that of the dividend.
#[derive(Clone, Copy, Debug)]
struct Rest {
    down: bool,
}

impl Operation for Quotient {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let mode = if self.down { "floor" } else { "trunc" };
        Ok((inputs[0].f_div_tensor_mode(inputs[1], mode)?, Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }

    fn is_detached(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

impl Rest {
    fn of(self, left: &Tensor, right: &Tensor) -> Result<Tensor, TchError> {
        if self.down { left.f_remainder_tensor(right) } else { left.f_fmod_tensor(right) }
    }
}

impl Operation for Rest {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0], inputs[1]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0], &inputs[1]))
    }

    fn hides_changes(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
