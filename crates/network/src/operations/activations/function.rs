//! The functions that act on every value by itself. Part of the elementwise operation.

use tch::{TchError, Tensor};

/// A function of one number.
#[derive(Clone, Copy, Debug)]
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
    Celu {
        alpha: f64,
    },
    /// `x` above `least`, and `value` elsewhere.
    Threshold {
        least: f64,
        value: f64,
    },
    Named(&'static Named),
}

/// A function without parameters, as libtorch computes it and its gradient.
#[derive(Debug)]
pub(crate) struct Named {
    name: &'static str,
    of: fn(&Tensor) -> Result<Tensor, TchError>,
    /// Whether the gradient of the function is zero wherever a gradient exists.
    flat: bool,
}

const NAMED: &[Named] = &[
    Named { name: "selu", of: Tensor::f_selu, flat: false },
    Named { name: "log_sigmoid", of: Tensor::f_log_sigmoid, flat: false },
    Named { name: "sin", of: Tensor::f_sin, flat: false },
    Named { name: "cos", of: Tensor::f_cos, flat: false },
    Named { name: "tan", of: Tensor::f_tan, flat: false },
    Named { name: "atan", of: Tensor::f_atan, flat: false },
    Named { name: "erf", of: Tensor::f_erf, flat: false },
    Named { name: "expm1", of: Tensor::f_expm1, flat: false },
    Named { name: "log1p", of: Tensor::f_log1p, flat: false },
    Named { name: "log2", of: Tensor::f_log2, flat: false },
    Named { name: "exp2", of: Tensor::f_exp2, flat: false },
    Named { name: "round", of: Tensor::f_round, flat: true },
    Named { name: "floor", of: Tensor::f_floor, flat: true },
    Named { name: "ceil", of: Tensor::f_ceil, flat: true },
    Named { name: "trunc", of: Tensor::f_trunc, flat: true },
    Named { name: "sign", of: Tensor::f_sign, flat: true },
];

impl Named {
    /// The function that `ATen` calls so.
    pub(in crate::operations) fn of(name: &str) -> Option<&'static Self> {
        NAMED.iter().find(|function| function.name == name)
    }
}

impl Function {
    /// The function of every value of `x`.
    pub(in crate::operations) fn of(self, x: &Tensor) -> Result<Tensor, TchError> {
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
            Self::Celu { alpha } => bent(x.f_clamp_max(0.0)?.f_div_scalar(alpha)?.f_expm1()?.f_mul_scalar(alpha)?),
            Self::Threshold { least, value } => x.f_threshold(least, value),
            Self::Named(function) => (function.of)(x),
        }
    }

    /// Whether the function of zero is zero, and values keep it from being a gate or a root: relevance passes it.
    pub(crate) fn passes_zero(self) -> bool {
        match self {
            Self::Gelu { .. }
            | Self::Silu
            | Self::Tanh
            | Self::Elu { .. }
            | Self::Celu { .. }
            | Self::LeakyRelu { .. }
            | Self::Hardswish
            | Self::Mish => true,
            Self::Hardtanh { least, most } => least <= 0.0 && most >= 0.0,
            Self::Named(function) => function.name == "selu",
            _ => false,
        }
    }

    /// Whether a change may show without a gradient.
    pub(in crate::operations) fn is_flat(self) -> bool {
        matches!(self, Self::Named(Named { flat: true, .. }))
    }

    /// Whether Captum's `DeepLift` hooks a module of this function (`SUPPORTED_NON_LINEAR`, 0.9).
    pub(in crate::operations) fn is_hooked(self) -> bool {
        matches!(self, Self::Elu { .. } | Self::LeakyRelu { .. } | Self::Sigmoid | Self::Tanh | Self::Softplus { .. })
    }
}
