//! Registers of the processor: kernels are written once for all widths, and run with the widest that is there.
//!
//! A kernel works on one plane: the pixels of one block of channels of one image. A block of channels fills one register.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::{Simd, WithSimd};

/// Channels of a block of any width of registers divide this number.
pub(crate) const MOST_IN_BLOCK: i64 = 16;

/// Whether this machine can run kernels with so many channels in a block.
#[cfg(target_arch = "x86_64")]
pub(crate) fn fit(block: i64) -> bool {
    match block {
        16 => pulp::x86::V4::is_available(),
        8 => pulp::x86::V3::is_available(),
        _ => false,
    }
}

/// Runs a kernel on planes with so many channels in a block, for which [`fit`] has said yes.
///
/// # Panics
/// Where it has not: what the kernel was to write would be whatever the memory held before.
#[inline]
#[cfg(target_arch = "x86_64")]
pub(crate) fn run(block: usize, kernel: impl WithSimd<Output = ()>) {
    match (block, pulp::x86::V4::try_new(), pulp::x86::V3::try_new()) {
        (16, Some(simd), _) => Simd::vectorize(simd, kernel),
        (8, _, Some(simd)) => Simd::vectorize(simd, kernel),
        _ => unreachable!("a kernel for {block} channels in a block, for which this processor has no instructions"),
    }
}

/// Nowhere else does oneDNN compute in blocks.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fit(_: i64) -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn run(block: usize, _: impl WithSimd<Output = ()>) {
    unreachable!("a kernel for {block} channels in a block, for which this processor has no instructions")
}

/// Bytes in which kernels keep a yes or no for each channel of a block.
pub(crate) fn mask_bytes(block: i64) -> i64 {
    // A bit a channel with AVX-512; four bytes before.
    if block == 16 { 2 } else { 4 * block }
}

/// Proof that the masks of pulp take as many bytes as [`mask_bytes`] says.
#[cfg(target_arch = "x86_64")]
const _: () = {
    assert!(size_of::<<pulp::x86::V4 as Simd>::m32s>() == 2);
    assert!(size_of::<<pulp::x86::V3 as Simd>::m32s>() == 4 * 8);
    assert!(<pulp::x86::V4 as Simd>::F32_LANES == 16 && <pulp::x86::V3 as Simd>::F32_LANES == 8);
    assert!(MOST_IN_BLOCK % 16 == 0 && MOST_IN_BLOCK % 8 == 0);
};

/// The pixels of a plane.
#[inline(always)]
pub(crate) fn pixels<S: Simd>(plane: &[f32]) -> &[S::f32s] {
    S::as_simd_f32s(plane).0
}

/// The pixels of a plane, to be written.
#[inline(always)]
pub(crate) fn pixels_mut<S: Simd>(plane: &mut [f32]) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(plane).0
}

/// The larger of both values. NaN is not less than any value: NaN stays, and is found.
#[inline(always)]
pub(crate) fn at_least<S: Simd>(simd: S, value: S::f32s, least: S::f32s) -> S::f32s {
    simd.select_f32s(simd.less_than_f32s(value, least), least, value)
}

/// `x + sign * y` in place.
pub(crate) struct Combine<'a> {
    pub(crate) x: &'a mut [f32],
    pub(crate) y: &'a [f32],
    pub(crate) sign: f32,
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let sign = simd.splat_f32s(self.sign);
        for (x, &y) in pixels_mut::<S>(self.x).iter_mut().zip(pixels::<S>(self.y)) {
            *x = simd.mul_add_e_f32s(sign, y, *x);
        }
    }
}
