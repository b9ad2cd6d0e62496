//! How libtorch computes on GPUs.

use sweep::group::Precision;

#[expect(unsafe_code, reason = "a function of numerics.cpp")]
unsafe extern "C" {
    fn attrisweep_set_numerics(tf32: bool);
}

/// From now on products are rounded as `precision` says, and sums are always taken in the same order.
///
/// Left alone, libtorch rounds the operands of single-precision convolutions to TF32, and cuDNN may take kernels that
/// add in any order: no two runs would have the same bits. Kernels are not chosen by trial (cuDNN's benchmark mode) for the same
/// reason: what is fastest differs from run to run.
#[expect(unsafe_code, reason = "a function of numerics.cpp")]
pub(crate) fn set(precision: Precision) {
    // SAFETY: sets numbers that libtorch reads when it next computes; only one thread computes.
    unsafe { attrisweep_set_numerics(precision == Precision::Tf32) };
}
