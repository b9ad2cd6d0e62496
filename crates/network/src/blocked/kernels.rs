//! What happens between two convolutions, in one pass over the memory for all of it.
//!
//! A kernel works on one plane: the pixels of one block of channels of one image. It is written once, for
//! registers of any width, and a block of channels fills one.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::bytemuck::checked::pod_read_unaligned;
use pulp::{Simd, WithSimd};

use super::shim::MOST_IN_BLOCK;
use crate::graph::Rule;

/// Whether this machine can run kernels with so many channels in a block.
#[cfg(target_arch = "x86_64")]
pub(super) fn fit(block: i64) -> bool {
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
pub(super) fn fit(_: i64) -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn run(block: usize, _: impl WithSimd<Output = ()>) {
    unreachable!("a kernel for {block} channels in a block, for which this processor has no instructions")
}

/// Bytes in which kernels keep a yes or no for each channel of a block.
pub(super) fn mask_bytes(block: i64) -> i64 {
    // A bit a channel with AVX-512; four bytes before.
    if block == 16 { 2 } else { 4 * block }
}

/// That the masks of pulp take so many bytes.
#[cfg(target_arch = "x86_64")]
const _: () = {
    assert!(size_of::<<pulp::x86::V4 as Simd>::m32s>() == 2);
    assert!(size_of::<<pulp::x86::V3 as Simd>::m32s>() == 4 * 8);
    assert!(<pulp::x86::V4 as Simd>::F32_LANES == 16 && <pulp::x86::V3 as Simd>::F32_LANES == 8);
    assert!(MOST_IN_BLOCK % 16 == 0 && MOST_IN_BLOCK % 8 == 0);
};

/// The pixels of a plane.
#[inline(always)]
pub(super) fn pixels<S: Simd>(plane: &[f32]) -> &[S::f32s] {
    S::as_simd_f32s(plane).0
}

/// The pixels of a plane, to be written.
#[inline(always)]
pub(super) fn pixels_mut<S: Simd>(plane: &mut [f32]) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(plane).0
}

/// The larger of both. NaN is not less than anything: it stays, and is found.
#[inline(always)]
fn at_least<S: Simd>(simd: S, value: S::f32s, least: S::f32s) -> S::f32s {
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

/// `x * scale + shift + residual` in place, clamped at zero if `relu`; `positive` says where the result is.
///
/// The sum and the product are rounded once, together, as libtorch's batch norm does it: the same bits.
pub(super) struct Finish<'a> {
    pub(super) x: &'a mut [f32],
    /// Scale and shift of each channel of the block.
    pub(super) affine: Option<(&'a [f32], &'a [f32])>,
    pub(super) residual: Option<&'a [f32]>,
    pub(super) relu: bool,
    /// Empty if nobody asks.
    pub(super) positive: &'a mut [u8],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.residual.is_some(), self.positive.is_empty()) {
            (false, false) => self.pass::<S, false, true>(simd),
            (false, true) => self.pass::<S, false, false>(simd),
            (true, false) => self.pass::<S, true, true>(simd),
            (true, true) => self.pass::<S, true, false>(simd),
        }
    }
}

impl Finish<'_> {
    #[inline(always)]
    fn pass<S: Simd, const RESIDUAL: bool, const KEEP: bool>(self, simd: S) {
        let Self { x, affine, residual, relu, positive } = self;
        let x = pixels_mut::<S>(x);
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        // Times one plus zero changes no bit.
        let (scale, shift) = match affine {
            Some((scale, shift)) => (pixels::<S>(scale)[0], pixels::<S>(shift)[0]),
            None => (one, zero),
        };
        let least = if relu { zero } else { simd.splat_f32s(f32::NEG_INFINITY) };
        let residual = pixels::<S>(residual.unwrap_or_default());
        let masks = positive.chunks_exact_mut(size_of::<S::m32s>());
        let mut masks = masks.into_iter();
        for (at, x) in x.iter_mut().enumerate() {
            let mut value = simd.mul_add_e_f32s(*x, scale, shift);
            if RESIDUAL {
                value = simd.add_f32s(value, residual[at]);
            }
            *x = at_least(simd, value, least);
            if KEEP && let Some(mask) = masks.next() {
                let positive = simd.greater_than_f32s(value, zero);
                mask.copy_from_slice(pulp::bytemuck::bytes_of(&positive));
            }
        }
    }
}

/// The gradient behind a batch norm and a ReLU, added to what has come of that before them.
///
/// Product and sum are rounded one after the other, as two passes over the memory would; times one changes no bit.
pub(super) struct Onto<'a> {
    pub(super) gradient: &'a [f32],
    /// Where the ReLU let it pass, by which rule, if there is a ReLU.
    pub(super) gate: Option<(&'a [u8], Rule)>,
    /// Of each channel of the block.
    pub(super) scale: Option<&'a [f32]>,
    pub(super) sum: &'a mut [f32],
    /// Whether there is nothing in `sum` yet.
    pub(super) is_new: bool,
}

impl WithSimd for Onto<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.gate.is_some(), self.is_new) {
            (true, true) => self.pass::<S, true, true>(simd),
            (true, false) => self.pass::<S, true, false>(simd),
            (false, true) => self.pass::<S, false, true>(simd),
            (false, false) => self.pass::<S, false, false>(simd),
        }
    }
}

impl Onto<'_> {
    #[inline(always)]
    fn pass<S: Simd, const GATE: bool, const NEW: bool>(self, simd: S) {
        let Self { gradient, gate, scale, sum, .. } = self;
        let (positive, rule) = gate.unwrap_or((&[], Rule::GRADIENT));
        let zero = simd.splat_f32s(0.0);
        let scale = scale.map_or(simd.splat_f32s(1.0), |scale| pixels::<S>(scale)[0]);
        let least = if GATE && rule.rectified { zero } else { simd.splat_f32s(f32::NEG_INFINITY) };
        let mut masks = positive.chunks_exact(size_of::<S::m32s>());
        for (sum, &gradient) in pixels_mut::<S>(sum).iter_mut().zip(pixels::<S>(gradient)) {
            let mut passed = gradient;
            if GATE && let Some(mask) = masks.next().filter(|_| rule.masked) {
                passed = simd.select_f32s(pod_read_unaligned::<S::m32s>(mask), passed, zero);
            }
            let own = simd.mul_f32s(at_least(simd, passed, least), scale);
            *sum = if NEW { own } else { simd.add_f32s(*sum, own) };
        }
    }
}

/// Changes of a ReLU's input below this are taken for none, as Captum does.
const NO_CHANGE: f32 = crate::operations::NO_CHANGE as f32;

/// `DeepLIFT`'s rescale rule at a ReLU: the gradient times the change of the output over that of the input.
pub(super) struct Rescale<'a> {
    pub(super) gradient: &'a [f32],
    /// Input of the ReLU in both passes.
    pub(super) here: &'a [f32],
    pub(super) there: &'a [f32],
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Rescale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { gradient, here, there, out } = self;
        let (zero, least) = (simd.splat_f32s(0.0), simd.splat_f32s(NO_CHANGE));
        let inputs = pixels::<S>(here).iter().zip(pixels::<S>(there));
        for ((out, &gradient), (&here, &there)) in
            pixels_mut::<S>(out).iter_mut().zip(pixels::<S>(gradient)).zip(inputs)
        {
            let change = simd.sub_f32s(here, there);
            let rise = simd.mul_f32s(gradient, simd.sub_f32s(at_least(simd, here, zero), at_least(simd, there, zero)));
            let plain = simd.select_f32s(simd.greater_than_f32s(here, zero), gradient, zero);
            let still = simd.less_than_f32s(simd.abs_f32s(change), least);
            *out = simd.select_f32s(still, plain, simd.div_f32s(rise, change));
        }
    }
}
