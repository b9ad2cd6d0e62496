//! Numerics of libtorch on GPUs: rounding of products, and the order of sums.

use sweep::group::{Group, Precision};
use tch::Kind;

#[expect(unsafe_code, reason = "a function of numerics.cpp")]
unsafe extern "C" {
    fn attrisweep_set_numerics(tf32: bool);
}

/// Whether a GPU multiplies on its tensor cores.
pub(crate) fn on_tensor_cores(precision: Precision) -> bool {
    matches!(precision, Precision::Tf32 | Precision::Bfloat16 | Precision::Float16)
}

/// Sets the rounding of products to `precision`, and the order of sums to one that is always the same.
///
/// Left alone, libtorch rounds the operands of single-precision convolutions to TF32, and cuDNN may take kernels that
/// add in any order: no two runs would have the same bits. That costs a fifth of a backward pass in single precision on an
/// H200, and nothing in TF32. Kernels are not chosen by trial (cuDNN's benchmark mode) for the same reason; there is
/// nothing to gain.
#[expect(unsafe_code, reason = "a function of numerics.cpp")]
pub(crate) fn set(precision: Precision) {
    // SAFETY: sets numbers that libtorch reads when it next computes; only one thread computes.
    unsafe { attrisweep_set_numerics(precision == Precision::Tf32) };
}

/// Type of images, logits and gradients.
pub(crate) fn kind(group: &Group) -> Kind {
    if group.numerics.precision == Precision::Float64 { Kind::Double } else { Kind::Float }
}

/// Type of the values between the layers of the network.
pub(crate) fn between_layers(group: &Group) -> Kind {
    match group.numerics.precision {
        Precision::Float32 | Precision::Tf32 => Kind::Float,
        Precision::Float64 => Kind::Double,
        Precision::Bfloat16 => Kind::BFloat16,
        Precision::Float16 => Kind::Half,
    }
}
