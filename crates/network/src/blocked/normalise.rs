//! Values side by side, normalised, with a ReLU: what stands before the convolutions of a dense network.

use tch::{Kind, TchError, Tensor};

use super::memory::values;
use super::relu::{End, Gated, Shape};
use crate::graph::{How, Kept, Operation, Pair, Reach, Rule};
use crate::operations::{BatchNorm, Relu};

/// A batch norm as the scale and the shift of each channel that libtorch computes of it.
#[derive(Debug)]
pub(super) struct Affine {
    pub(super) scale: Tensor,
    shift: Tensor,
}

impl Affine {
    /// With the same bits as libtorch's batch norm, which multiplies by `rsqrt(variance + eps) * weight`.
    pub(super) fn of(norm: &BatchNorm) -> Result<Self, TchError> {
        let scale = norm.variance.f_add_scalar(norm.eps)?.f_rsqrt()?.f_mul(&norm.weight)?;
        let nothing = Tensor::f_zeros([1, scale.size()[0], 1, 1], (Kind::Float, scale.device()))?;
        let shift = norm.run(&[&nothing], How::FORWARD)?.0.f_view([-1])?;
        Ok(Self { scale: scale.f_contiguous()?, shift: shift.f_contiguous()? })
    }

    pub(super) fn values(&self) -> Result<(&[f32], &[f32]), TchError> {
        Ok((values(&self.scale)?, values(&self.shift)?))
    }
}

/// Concatenation, batch norm and ReLU; the middle one must be there, or the last.
#[derive(Debug)]
pub(crate) struct Normalise {
    norm: Option<Affine>,
    relu: Option<Gated>,
}

impl Normalise {
    /// Of one value, or of several side by side.
    pub(crate) fn new(norm: Option<&BatchNorm>, relu: Option<&Relu>) -> Result<Self, TchError> {
        Ok(Self { norm: norm.map(Affine::of).transpose()?, relu: relu.map(Gated::of) })
    }

    /// The gradients of the parts from that before the ReLU.
    fn given_on(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let scaled = match &self.norm {
            Some(norm) => {
                let block = gradient.size()[4];
                gradient.f_mul(&norm.scale.f_view([1, -1, 1, 1, block])?)?
            }
            None => gradient.shallow_clone(),
        };
        if kept.shapes.len() == 1 {
            return Ok(vec![scaled]);
        }
        let widths: Vec<i64> = kept.shapes.iter().map(|shape| shape[1]).collect();
        scaled.f_split_with_sizes(&widths, 1)
    }
}

impl Operation for Normalise {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let Shape { plane, .. } = Shape::of(inputs[0])?;
        let parts = inputs.iter().map(|input| values::<f32>(input)).collect::<Result<Vec<_>, _>>()?;
        // Where each block of channels comes from: part, block of it, blocks in it.
        let widths: Vec<usize> = inputs.iter().map(|input| input.size()[1] as usize).collect();
        let from: Vec<(usize, usize, usize)> =
            widths.iter().enumerate().flat_map(|(part, &width)| (0..width).map(move |at| (part, at, width))).collect();
        let mut shape = inputs[0].size();
        shape[1] = from.len() as i64;
        let y = Tensor::f_empty(&shape, (Kind::Float, inputs[0].device()))?;
        let fill = |index: usize, x: &mut [f32]| {
            let (row, (part, at, width)) = (index / from.len(), from[index % from.len()]);
            x.copy_from_slice(&parts[part][(row * width + at) * plane..][..plane]);
        };
        let end = End { norm: self.norm.as_ref(), residual: None, relu: self.relu.as_ref() };
        end.filled(y, fill, how)
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, rule: Rule) -> Result<Vec<Tensor>, TchError> {
        match &self.relu {
            Some(relu) => self.given_on(kept, &relu.backward(kept, gradient, rule)?),
            None => self.given_on(kept, gradient),
        }
    }

    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        match &self.relu {
            Some(relu) => self.given_on(pair.here, &relu.multipliers(pair, gradient)?),
            None => self.given_on(pair.here, gradient),
        }
    }

    fn is_relu(&self, functions: bool) -> bool {
        self.relu.as_ref().is_some_and(|relu| relu.is_relu(functions))
    }

    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.run(inputs, How::FORWARD)?.0)
    }
}
