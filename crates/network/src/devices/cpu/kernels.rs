//! Kernels for the operations between two convolutions, in one pass over the memory for all of them.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::bytemuck::checked::pod_read_unaligned;
use pulp::{Simd, WithSimd};

use crate::graph::{self, Gate};
use crate::tensors::simd::{at_least, pixels, pixels_mut};

/// `x * scale + shift + residual` in place, clamped at zero if `relu`; `positive` says where the result is.
///
/// The sum and the product are rounded once, together, as libtorch's batch norm does it: the same bits.
pub(crate) struct Finish<'a> {
    pub(crate) x: &'a mut [f32],
    /// Scale and shift of each channel of the block.
    pub(crate) affine: Option<(&'a [f32], &'a [f32])>,
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) relu: bool,
    /// Mask of the positive values; empty if nobody asks for this mask.
    pub(crate) positive: &'a mut [u8],
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
pub(crate) struct Onto<'a> {
    pub(crate) gradient: &'a [f32],
    /// Mask of the values that the ReLU let pass, and its gate; `None` without a ReLU.
    pub(crate) gate: Option<(&'a [u8], Gate)>,
    /// Scale of each channel of the block.
    pub(crate) scale: Option<&'a [f32]>,
    pub(crate) sum: &'a mut [f32],
    /// Whether there is nothing in `sum` yet.
    pub(crate) is_new: bool,
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
        let (positive, gate) = gate.unwrap_or((&[], Gate::PLAIN));
        let zero = simd.splat_f32s(0.0);
        let scale = scale.map_or(simd.splat_f32s(1.0), |scale| pixels::<S>(scale)[0]);
        let least = if GATE && gate.rectified { zero } else { simd.splat_f32s(f32::NEG_INFINITY) };
        let mut masks = positive.chunks_exact(size_of::<S::m32s>());
        for (sum, &gradient) in pixels_mut::<S>(sum).iter_mut().zip(pixels::<S>(gradient)) {
            let mut passed = gradient;
            if GATE && let Some(mask) = masks.next().filter(|_| gate.masked) {
                passed = simd.select_f32s(pod_read_unaligned::<S::m32s>(mask), passed, zero);
            }
            let own = simd.mul_f32s(at_least(simd, passed, least), scale);
            *sum = if NEW { own } else { simd.add_f32s(*sum, own) };
        }
    }
}

/// Changes of a ReLU's input below this are taken for none, as Captum does.
const NO_CHANGE: f32 = graph::NO_CHANGE as f32;

/// `DeepLIFT`'s rescale rule at a ReLU: the gradient times the change of the output over that of the input.
pub(crate) struct Rescale<'a> {
    pub(crate) gradient: &'a [f32],
    /// Input of the ReLU in both passes.
    pub(crate) here: &'a [f32],
    pub(crate) there: &'a [f32],
    pub(crate) out: &'a mut [f32],
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
