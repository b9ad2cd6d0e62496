//! Functions that act on every value by itself.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Pair, Reach, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "elementwise",
    summary: "gelu, silu, sigmoid, tanh, elu, leaky_relu, softplus, hardtanh (relu6), hardswish, hardsigmoid, mish, \
              exp, log, sqrt, rsqrt, abs and powers",
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
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
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
        "pow" => Function::Power { exponent: call.need("exponent")? },
        _ => return Err(call.unsupported()),
    };
    call.apply(function, &[input])
}

/// Changes of the input below this are taken for none, as Captum does.
pub(crate) const NO_CHANGE: f64 = 1e-10;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// `exact`: by the error function; else by tanh.
    Gelu {
        exact: bool,
    },
    Silu,
    Sigmoid,
    Tanh,
    Elu {
        alpha: f64,
    },
    LeakyRelu {
        slope: f64,
    },
    Softplus {
        beta: f64,
        threshold: f64,
    },
    /// Clamped to both ends; `ReLU6` is one.
    Hardtanh {
        least: f64,
        most: f64,
    },
    Hardswish,
    Hardsigmoid,
    Mish,
    Exp,
    Log,
    Sqrt,
    Rsqrt,
    Abs,
    Power {
        exponent: f64,
    },
}

impl Function {
    fn of(self, x: &Tensor) -> Result<Tensor, TchError> {
        let bent = |below: Tensor| x.f_where_self(&x.f_gt(0.0)?, &below);
        match self {
            Self::Gelu { exact } => x.f_gelu(if exact { "none" } else { "tanh" }),
            Self::Silu => x.f_silu(),
            Self::Sigmoid => x.f_sigmoid(),
            Self::Tanh => x.f_tanh(),
            // Both branches of `where` get a gradient: that of exp must not be infinite where it is not taken.
            Self::Elu { alpha } => bent(x.f_clamp_max(0.0)?.f_expm1()?.f_mul_scalar(alpha)?),
            Self::LeakyRelu { slope } => bent(x.f_mul_scalar(slope)?),
            Self::Softplus { beta, threshold } => {
                let scaled = x.f_mul_scalar(beta)?;
                let curved = scaled.f_clamp_max(threshold)?.f_exp()?.f_log1p()?.f_div_scalar(beta)?;
                x.f_where_self(&scaled.f_gt(threshold)?, &curved)
            }
            Self::Hardtanh { least, most } => x.f_clamp(least, most),
            Self::Hardswish => x.f_hardswish(),
            Self::Hardsigmoid => x.f_hardsigmoid(),
            Self::Mish => x.f_mish(),
            Self::Exp => x.f_exp(),
            Self::Log => x.f_log(),
            Self::Sqrt => x.f_sqrt(),
            Self::Rsqrt => x.f_rsqrt(),
            Self::Abs => x.f_abs(),
            Self::Power { exponent } => x.f_pow_tensor_scalar(exponent),
        }
    }

    /// Whether Captum's `DeepLift` hooks a module of this function (`SUPPORTED_NON_LINEAR`, 0.9).
    fn is_hooked(self) -> bool {
        matches!(self, Self::Elu { .. } | Self::LeakyRelu { .. } | Self::Sigmoid | Self::Tanh | Self::Softplus { .. })
    }
}

impl Operation for Function {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((self.of(inputs[0])?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let plain = plain_gradient(&pair.here.tensors, gradient, |inputs| self.of(&inputs[0]))?.remove(0);
        if pair.captum && !self.is_hooked() {
            return Ok(vec![plain]);
        }
        Ok(vec![rescaled(pair, gradient, &plain)?])
    }

    fn compares(&self) -> bool {
        true
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

/// The rescale rule: `gradient` times the change of the output over that of the input; the `plain`
/// gradient where the input did not change.
pub(super) fn rescaled(pair: &Pair<'_>, gradient: &Tensor, plain: &Tensor) -> Result<Tensor, TchError> {
    let ((x, x0), (y, y0)) = (pair.inputs(0)?, pair.outputs()?);
    let change = x.f_sub(x0)?;
    let slope = gradient.f_mul(&y.f_sub(y0)?)?.f_div(&change)?;
    plain.f_where_self(&change.f_abs()?.f_lt(NO_CHANGE)?, &slope)
}
