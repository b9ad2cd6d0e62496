//! Max pooling of blocked values.

#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use std::ops::Range;

use pulp::{Simd, WithSimd};
use tch::{Kind, TchError, Tensor};

use super::ending::Shape;
use crate::graph::{Compared, How, Kept, Local, Operation, Pair, Reach};
use crate::operations::MaxPool;
use crate::tensors::simd;
use crate::tensors::simd::{pixels, pixels_mut};
use crate::tensors::slices::{each_pair, each_run, values, values_mut};

/// [`MaxPool`] of blocked values. Of a window it keeps the place of the winner in it, as a number that
/// kernels compare in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool(MaxPool);

impl Pool {
    /// The blocked form of a pooling whose windows are dense and stay inside.
    pub(crate) fn of(pool: &MaxPool) -> Option<Self> {
        (!pool.ceil && pool.dilation == [1, 1]).then_some(Self(*pool))
    }

    fn pooled(&self, x: &Tensor, padding: [i64; 2]) -> Result<(Tensor, Tensor), TchError> {
        let pool = MaxPool { padding, ..self.0 };
        let (size, Shape { plane, block, .. }) = (plane_of(x)?, Shape::of(x)?);
        let outputs = [0, 1].map(|axis| (size[axis] + 2 * padding[axis] - pool.kernel[axis]) / pool.stride[axis] + 1);
        let mut shape = x.size();
        shape[2..4].copy_from_slice(&outputs);
        let mut y = Tensor::f_empty(&shape, (Kind::Float, x.device()))?;
        let mut winners = Tensor::f_empty(&shape, (Kind::Float, x.device()))?;
        let (from, length) = (values::<f32>(x)?, Shape::of(&y)?.plane);
        each_pair(values_mut(&mut y)?, length, values_mut(&mut winners)?, length, |index, out, winners| {
            let x = &from[index * plane..][..plane];
            simd::run(block, Forward { pool: &pool, x, size, outputs, out, winners });
        });
        Ok((y, winners))
    }

    /// `gradient` of each window added up at its winner, in the shape of the input.
    fn given_to_winners(&self, shape: &[i64], gradient: &Tensor, winners: &Tensor) -> Result<Tensor, TchError> {
        let gradient = gradient.f_contiguous()?;
        let mut out = Tensor::f_empty(shape, (Kind::Float, gradient.device()))?;
        let (size, outputs) = (plane_of(&out)?, plane_of(&gradient)?);
        let (plane, Shape { plane: length, block, .. }) = (Shape::of(&out)?.plane, Shape::of(&gradient)?);
        let (from, winners) = (values::<f32>(&gradient)?, values::<f32>(winners)?);
        let columns: Vec<Range<i64>> = (0..size[1]).map(|at| windows(&self.0, 1, at, outputs[1])).collect();
        each_run(values_mut(&mut out)?, plane, |index, out| {
            let part = index * length..(index + 1) * length;
            let (gradient, winners) = (&from[part.clone()], &winners[part]);
            simd::run(block, Backward { pool: &self.0, gradient, winners, size, outputs, columns: &columns, out });
        });
        Ok(out)
    }
}

fn plane_of(tensor: &Tensor) -> Result<[i64; 2], TchError> {
    let (_, _, h, w, _) = tensor.size5()?;
    Ok([h, w])
}

impl Operation for Pool {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (y, winners) = self.pooled(inputs[0], self.0.padding)?;
        Ok((y, if how.keep { vec![winners] } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![self.given_to_winners(kept.shape(0)?, gradient, kept.tensor(0)?)?])
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for Pool {
    fn reach(&self, _: usize) -> Reach {
        self.0.reach(0)
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.pooled(inputs[0], [0, 0])?.0)
    }

    fn outside(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Compared for Pool {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let shape = pair.here.shape(0)?;
        MaxPool::shared_out(pair, gradient, |gradient, winners| {
            self.given_to_winners(shape, &gradient.f_contiguous()?, winners)
        })
    }
}

/// Outputs whose window holds pixel `at`, along one axis.
fn windows(pool: &MaxPool, axis: usize, at: i64, outputs: i64) -> Range<i64> {
    let (from, stride) = (at + pool.padding[axis], pool.stride[axis]);
    let behind = from + 1 - pool.kernel[axis];
    let first = if behind > 0 { (behind + stride - 1) / stride } else { 0 };
    first..(from / stride + 1).min(outputs)
}

struct Forward<'a> {
    pool: &'a MaxPool,
    x: &'a [f32],
    size: [i64; 2],
    outputs: [i64; 2],
    out: &'a mut [f32],
    winners: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pool, x, size, outputs, out, winners } = self;
        let x = pixels::<S>(x);
        let mut windows = pixels_mut::<S>(out).iter_mut().zip(pixels_mut::<S>(winners));
        for down in 0..outputs[0] {
            let top = down * pool.stride[0] - pool.padding[0];
            let rows = top.max(0)..(top + pool.kernel[0]).min(size[0]);
            for (across, (out, winners)) in (0..outputs[1]).zip(&mut windows) {
                let left = across * pool.stride[1] - pool.padding[1];
                let columns = left.max(0)..(left + pool.kernel[1]).min(size[1]);
                let origin = top * pool.kernel[1] + left;
                // The first pixel is there whatever it is.
                let mut best = x[(rows.start * size[1] + columns.start) as usize];
                let mut winner = simd.splat_f32s((rows.start * pool.kernel[1] + columns.start - origin) as f32);
                for row in rows.clone() {
                    for column in columns.clone() {
                        let value = x[(row * size[1] + column) as usize];
                        let tap = simd.splat_f32s((row * pool.kernel[1] + column - origin) as f32);
                        // As in libtorch: the first of equals wins, NaN always, and no number wins over NaN.
                        let is_number = simd.equal_f32s(value, value);
                        let larger = simd.greater_than_f32s(value, best);
                        winner = simd.select_f32s(is_number, simd.select_f32s(larger, tap, winner), tap);
                        best = simd.select_f32s(is_number, simd.select_f32s(larger, value, best), value);
                    }
                }
                (*out, *winners) = (best, winner);
            }
        }
    }
}

struct Backward<'a> {
    pool: &'a MaxPool,
    gradient: &'a [f32],
    winners: &'a [f32],
    size: [i64; 2],
    outputs: [i64; 2],
    /// Windows that hold each column of the input.
    columns: &'a [Range<i64>],
    out: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pool, gradient, winners, size, outputs, columns, out } = self;
        let (gradient, winners, zero) = (pixels::<S>(gradient), pixels::<S>(winners), simd.splat_f32s(0.0));
        let mut pixels = pixels_mut::<S>(out).iter_mut();
        for row in 0..size[0] {
            let rows = windows(pool, 0, row, outputs[0]);
            for ((column, held), out) in (0..).zip(columns).zip(&mut pixels) {
                *out = zero;
                for down in rows.clone() {
                    let tap =
                        (row + pool.padding[0] - down * pool.stride[0]) * pool.kernel[1] + column + pool.padding[1];
                    for across in held.clone() {
                        let window = (down * outputs[1] + across) as usize;
                        let won =
                            simd.equal_f32s(winners[window], simd.splat_f32s((tap - across * pool.stride[1]) as f32));
                        *out = simd.add_f32s(*out, simd.select_f32s(won, gradient[window], zero));
                    }
                }
            }
        }
    }
}
