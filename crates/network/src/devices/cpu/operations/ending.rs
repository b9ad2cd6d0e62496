//! The end of a fused operation: batch norm, sum and ReLU in one pass, and the ReLU on the way back.

use tch::{Kind, TchError, Tensor};

use super::affine::Affine;
use crate::devices::cpu::kernels::{Finish, Onto, Rescale};
use crate::graph::{Gate, How, Kept, Pair};
use crate::operations::Relu;
use crate::tensors::simd;
use crate::tensors::slices::{each_pair, each_run, values, values_mut};

/// Batch norm, sum and ReLU at the end of a fused operation, on a value that no other operation reads.
pub(crate) struct End<'a> {
    pub(crate) norm: Option<&'a Affine>,
    /// Added behind the batch norm.
    pub(crate) residual: Option<&'a Tensor>,
    pub(crate) relu: Option<&'a LastRelu>,
}

impl End<'_> {
    /// `y` times scale plus shift, plus the residual, and the ReLU of this sum; with the value that the ReLU's way back needs:
    /// the places where the sum was positive, or the sum itself if two passes will be compared.
    pub(crate) fn of(&self, y: Tensor, how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        if self.norm.is_none() && self.residual.is_none() && self.relu.is_none() {
            return Ok((y, Vec::new()));
        }
        self.filled(y, |_, _| {}, how)
    }

    /// Result of [`End::of`] on values that `fill` puts into the planes of `y`, by their number, in the same pass over the
    /// memory.
    pub(crate) fn filled(
        &self,
        mut y: Tensor,
        fill: impl Fn(usize, &mut [f32]) + Sync,
        how: How,
    ) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let relu = self.relu.is_some() && !how.compare;
        let Shape { blocks, plane, block } = Shape::of(&y)?;
        let affine = self.norm.map(Affine::values).transpose()?;
        let residual = self.residual.map(values::<f32>).transpose()?;
        let mut positive = if relu && how.keep { Some(signs(&y)?) } else { None };
        let kept = positive.as_mut().map_or(Ok(&mut [][..]), values_mut::<u8>)?;
        let length = kept.len() / (y.size()[0] as usize * blocks).max(1);
        each_pair(values_mut::<f32>(&mut y)?, plane, kept, length, |index, x, positive| {
            fill(index, x);
            let channels = index % blocks * block;
            let affine = affine.map(|(scale, shift)| (&scale[channels..][..block], &shift[channels..][..block]));
            let residual = residual.map(|values| &values[index * plane..][..plane]);
            simd::run(block, Finish { x, affine, residual, relu, positive });
        });
        if self.relu.is_some() && how.compare {
            return Ok((y.f_relu()?, vec![y]));
        }
        Ok((y, positive.into_iter().collect()))
    }
}

/// Room for a yes or no for each value of `y`.
fn signs(y: &Tensor) -> Result<Tensor, TchError> {
    let (n, blocks, h, w, block) = y.size5()?;
    Tensor::f_empty([n, blocks, h, w, simd::mask_bytes(block)], (Kind::Uint8, y.device()))
}

/// Sizes of the planes in the memory of a blocked tensor.
pub(crate) struct Shape {
    /// Blocks of channels.
    pub(crate) blocks: usize,
    /// Values of a plane.
    pub(crate) plane: usize,
    /// Channels of a block.
    pub(crate) block: usize,
}

impl Shape {
    pub(crate) fn of(tensor: &Tensor) -> Result<Self, TchError> {
        match tensor.size()[..] {
            [_, blocks, h, w, block] => {
                Ok(Self { blocks: blocks as usize, plane: (h * w * block) as usize, block: block as usize })
            }
            _ => Err(TchError::Shape(format!("shape {:?}, expected [n, c / b, h, w, b]", tensor.size()))),
        }
    }
}

/// The ReLU at the end of a fused operation.
#[derive(Debug)]
pub(crate) struct LastRelu {
    /// Whether the model calls the function instead of a module.
    pub(crate) functional: bool,
}

impl LastRelu {
    pub(crate) fn of(relu: &Relu) -> Self {
        Self { functional: relu.functional }
    }

    /// The gradient before the ReLU, which lets it pass by `gate`.
    pub(crate) fn backward(gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        let gradient = gradient.f_contiguous()?;
        let Shape { plane, block, .. } = Shape::of(&gradient)?;
        let (from, positive) = (values::<f32>(&gradient)?, values::<u8>(kept.tensor(0)?)?);
        let mut before = gradient.f_empty_like()?;
        let length = positive.len() * plane / from.len().max(1);
        each_run(values_mut(&mut before)?, plane, |index, out| {
            let (gradient, positive) = (&from[index * plane..][..plane], &positive[index * length..][..length]);
            simd::run(block, Onto { gradient, gate: Some((positive, gate)), scale: None, sum: out, is_new: true });
        });
        Ok(before)
    }

    /// `DeepLIFT`'s multipliers before the ReLU. The second pass may be one row for all.
    pub(crate) fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Tensor, TchError> {
        let (here, there) = (pair.here.tensor(0)?, pair.there.tensor(0)?);
        if self.functional && pair.functional_is_plain {
            return gradient.f_mul(&here.f_gt(0.0)?);
        }
        let gradient = gradient.f_contiguous()?;
        let Shape { plane, block, .. } = Shape::of(&gradient)?;
        let (from, here, there) = (values::<f32>(&gradient)?, values::<f32>(here)?, values::<f32>(there)?);
        let mut before = gradient.f_empty_like()?;
        each_run(values_mut(&mut before)?, plane, |index, out| {
            let part = index * plane..(index + 1) * plane;
            let row = index * plane % there.len();
            let (here, there) = (&here[part.clone()], &there[row..row + plane]);
            simd::run(block, Rescale { gradient: &from[part], here, there, out });
        });
        Ok(before)
    }
}
