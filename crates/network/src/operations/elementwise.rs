//! Functions that act on every value by itself.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::graph::{How, Kept, Operation, Pair, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "elementwise",
    summary: "gelu, silu, sigmoid, tanh, elu, leaky_relu, softplus, hardtanh (relu6), hardswish, hardsigmoid, mish, \
              exp, log, sqrt, rsqrt, abs and powers",
    deep_lift: "rescale (captum: plain gradient where Captum has no hook)",
};

/// Changes of the input below this are taken for none, as Captum does.
const NO_CHANGE: f64 = 1e-10;

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
    /// Clamped to both ends; ReLU6 is one.
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

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
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
}

/// The rescale rule: `gradient` times the change of the output over that of the input; the `plain`
/// gradient where the input did not change.
pub(super) fn rescaled(pair: &Pair<'_>, gradient: &Tensor, plain: &Tensor) -> Result<Tensor, TchError> {
    let ((x, x0), (y, y0)) = (pair.inputs(0)?, pair.outputs()?);
    let change = x.f_sub(x0)?;
    let slope = gradient.f_mul(&y.f_sub(y0)?)?.f_div(&change)?;
    plain.f_where_self(&change.f_abs()?.f_lt(NO_CHANGE)?, &slope)
}
