//! Values side by side, normalised, with a ReLU: what stands before the convolutions of a dense network.

use tch::{Kind, TchError, Tensor};

use super::kernels::{self, Onto};
use super::memory::{Parts, values, values_mut};
use super::relu::{End, Gated, Shape};
use crate::graph::{How, Kept, Operation, Pair, Reach, Rule, Sum};
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

    /// Adds the gradients of the parts, from that behind the ReLU if there is a `gate`, or else before it.
    fn onto(
        &self,
        kept: &Kept,
        gradient: &Tensor,
        gate: Option<(&Tensor, Rule)>,
        sums: &mut [Sum],
    ) -> Result<(), TchError> {
        let gradient = gradient.f_contiguous()?;
        let Shape { plane, block, .. } = Shape::of(&gradient)?;
        let from = values::<f32>(&gradient)?;
        let gate = gate.map(|(positive, rule)| Ok::<_, TchError>((values::<u8>(positive)?, rule))).transpose()?;
        let length = gate.map_or(0, |(positive, _)| positive.len() * plane / from.len().max(1));
        let scale = self.norm.as_ref().map(Affine::values).transpose()?.map(|(scale, _)| scale);
        let (mut places, mut are_new) = (Vec::with_capacity(sums.len()), Vec::with_capacity(sums.len()));
        for (sum, shape) in sums.iter_mut().zip(&kept.shapes) {
            let (place, is_new) = sum.place(shape, &gradient)?;
            places.push(values_mut::<f32>(place)?);
            are_new.push(is_new);
        }
        let parts = Parts::of(&kept.shapes);
        parts.each_plane(places, plane, |index, part, sum| {
            let gradient = &from[index * plane..][..plane];
            let gate = gate.map(|(positive, rule)| (&positive[index * length..][..length], rule));
            let scale = scale.map(|scale| &scale[index % parts.blocks() * block..][..block]);
            kernels::run(block, Onto { gradient, gate, scale, sum, is_new: are_new[part] });
        });
        Ok(())
    }
}

impl Operation for Normalise {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let Shape { plane, .. } = Shape::of(inputs[0])?;
        let parts = inputs.iter().map(|input| values::<f32>(input)).collect::<Result<Vec<_>, _>>()?;
        let from = Parts::of(&inputs.iter().map(|input| input.size()).collect::<Vec<_>>());
        let mut shape = inputs[0].size();
        shape[1] = from.blocks() as i64;
        let y = Tensor::f_empty(&shape, (Kind::Float, inputs[0].device()))?;
        let fill = |index: usize, x: &mut [f32]| {
            let (part, at) = from.place(index);
            x.copy_from_slice(&parts[part][at * plane..][..plane]);
        };
        let end = End { norm: self.norm.as_ref(), residual: None, relu: self.relu.as_ref() };
        end.filled(y, fill, how)
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, rule: Rule) -> Result<Vec<Tensor>, TchError> {
        Sum::of_each(kept.shapes.len(), |sums| self.backward_onto(kept, gradient, rule, sums))
    }

    fn backward_onto(&self, kept: &Kept, gradient: &Tensor, rule: Rule, sums: &mut [Sum]) -> Result<(), TchError> {
        let gate = self.relu.as_ref().map(|relu| Ok::<_, TchError>((kept.tensor(0)?, relu.rule(rule)))).transpose()?;
        self.onto(kept, gradient, gate, sums)
    }

    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Sum::of_each(pair.here.shapes.len(), |sums| self.multipliers_onto(pair, gradient, sums))
    }

    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        match &self.relu {
            Some(relu) => self.onto(pair.here, &relu.multipliers(pair, gradient)?, None, sums),
            None => self.onto(pair.here, gradient, None, sums),
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
