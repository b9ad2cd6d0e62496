//! Functions that act on every value by itself.

use tch::{TchError, Tensor};

use super::function::{Function, Named};
use super::prelu::Learned;
use crate::graph::copied;
use crate::graph::{Compared, How, Kept, Local, Operation, Pair, Spatial};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "elementwise",
    summary: "gelu, silu, sigmoid, tanh, elu, leaky_relu, softplus, hardtanh (relu6), hardswish, hardsigmoid, mish, \
              selu, celu, log_sigmoid, threshold, exp, log, sqrt, rsqrt, abs, sin, cos, erf, rounding, sign and powers of values, and of numbers and weights to values",
    deep_lift: "rescale (captum: plain gradient where Captum has no hook)",
    aten: &[
        "aten.gelu",
        "aten.silu",
        "aten.sigmoid",
        "aten.tanh",
        "aten.elu",
        "aten.leaky_relu",
        "aten.softplus",
        "aten.hardtanh",
        "aten.relu6",
        "aten.clamp",
        "aten.clamp_min",
        "aten.clamp_max",
        "aten.hardswish",
        "aten.hardsigmoid",
        "aten.mish",
        "aten.exp",
        "aten.log",
        "aten.sqrt",
        "aten.rsqrt",
        "aten.abs",
        "aten.pow",
        "aten.square",
        "aten.reciprocal",
        "aten.celu",
        "aten.threshold",
        "aten.selu",
        "aten.log_sigmoid",
        "aten.sin",
        "aten.cos",
        "aten.tan",
        "aten.atan",
        "aten.erf",
        "aten.expm1",
        "aten.log1p",
        "aten.log2",
        "aten.exp2",
        "aten.round",
        "aten.floor",
        "aten.ceil",
        "aten.trunc",
        "aten.sign",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = match call.operator() {
        "pow" => return power(call),
        _ => call.value("self")?,
    };
    let (lowest, highest) = (f64::NEG_INFINITY, f64::INFINITY);
    let function = match call.operator() {
        "gelu" => Function::Gelu { exact: call.get("approximate", "none".to_owned())? == "none" },
        "silu" => Function::Silu,
        "sigmoid" => Function::Sigmoid,
        "tanh" => Function::Tanh,
        "elu" if call.get("scale", 1.0)? == 1.0 && call.get("input_scale", 1.0)? == 1.0 => {
            Function::Elu { alpha: call.get("alpha", 1.0)? }
        }
        "leaky_relu" => Function::LeakyRelu { slope: call.get("negative_slope", 0.01)? },
        "softplus" => Function::Softplus { beta: call.get("beta", 1.0)?, threshold: call.get("threshold", 20.0)? },
        "hardtanh" => Function::Hardtanh { least: call.get("min_val", -1.0)?, most: call.get("max_val", 1.0)? },
        "relu6" => Function::Hardtanh { least: 0.0, most: 6.0 },
        "clamp" | "clamp_min" | "clamp_max" => {
            Function::Hardtanh { least: call.get("min", lowest)?, most: call.get("max", highest)? }
        }
        "hardswish" => Function::Hardswish,
        "hardsigmoid" => Function::Hardsigmoid,
        "mish" => Function::Mish,
        "exp" => Function::Exp,
        "log" => Function::Log,
        "sqrt" => Function::Sqrt,
        "rsqrt" => Function::Rsqrt,
        "abs" => Function::Abs,
        "square" => Function::Power { exponent: 2.0 },
        "reciprocal" => Function::Power { exponent: -1.0 },
        "celu" => Function::Celu { alpha: call.get("alpha", 1.0)? },
        "threshold" => Function::Threshold { least: call.need("threshold")?, value: call.need("value")? },
        "round" if call.get("decimals", 0)? != 0 => return Err(call.fault("decimals", "expected 0")),
        name => Function::Named(Named::of(name).ok_or_else(|| call.unsupported())?),
    };
    call.apply(function, &[input])
}

/// A power, of which the base, the exponent or both may be constants.
fn power(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let (base, exponent) = (call.operand("self")?, call.operand("exponent")?);
    match (base.tensor(), exponent.tensor()) {
        (_, Some(number)) if number.numel() == 1 => {
            let exponent = number.f_reshape(Vec::<i64>::new())?.f_double_value(&[])?;
            call.apply(Function::Power { exponent }, &[base])
        }
        (constant, Some(exponent)) => {
            if let Some(base) = constant {
                call.broadcast(&[base, exponent])?;
            }
            let exponent = copied(exponent)?;
            call.apply(Learned::Power(exponent), &[base])
        }
        (Some(base), None) => {
            let base = copied(base)?;
            call.apply(Learned::Base(base), &[exponent])
        }
        (None, None) => {
            Err(call.fault("exponent", "depends on the images, as the base does; expected a number or a weight"))
        }
    }
}

impl Operation for Function {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn hides_changes(&self) -> bool {
        self.is_flat()
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

impl Local for Function {}

impl Compared for Function {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let plain = self.backward(pair.here, gradient)?.remove(0);
        pair.rescaled_unless(pair.captum && !self.is_hooked(), gradient, plain)
    }
}
