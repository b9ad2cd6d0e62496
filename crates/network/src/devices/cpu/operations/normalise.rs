//! Values side by side, normalised, with a ReLU: what stands before the convolutions of a dense network.

use tch::{Kind, TchError, Tensor};

use super::affine::Affine;
use super::ending::{End, LastRelu, Shape};
use crate::devices::cpu::kernels::Onto;
use crate::graph::{Compared, Gate, Gated, How, Kept, Local, Operation, Pair, Sum};
use crate::operations::{BatchNorm, Relu};
use crate::tensors::simd;
use crate::tensors::slices::{Parts, values, values_mut};

/// Concatenation, batch norm and ReLU; the middle one must be there, or the last.
#[derive(Debug)]
pub(crate) struct Normalise {
    norm: Option<Affine>,
    relu: Option<LastRelu>,
}

impl Normalise {
    /// The operation on one value, or on several side by side.
    pub(crate) fn new(norm: Option<&BatchNorm>, relu: Option<&Relu>) -> Result<Self, TchError> {
        Ok(Self { norm: norm.map(Affine::of).transpose()?, relu: relu.map(LastRelu::of) })
    }

    /// Adds the gradients of the parts, from the gradient behind the ReLU if there is a `gate`, or else from the gradient
    /// before the ReLU.
    fn onto(
        &self,
        kept: &Kept,
        gradient: &Tensor,
        gate: Option<(&Tensor, Gate)>,
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
            simd::run(block, Onto { gradient, gate, scale, sum, is_new: are_new[part] });
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

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Sum::of_each(kept.shapes.len(), |sums| self.backward_onto(kept, gradient, sums))
    }

    fn backward_onto(&self, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        self.backward_by(Gate::PLAIN, kept, gradient, sums)
    }

    fn gated(&self) -> Option<&dyn Gated> {
        self.relu.as_ref().map(|_| self as &dyn Gated)
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for Normalise {
    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.run(inputs, How::FORWARD)?.0)
    }
}

impl Gated for Normalise {
    fn is_functional(&self) -> bool {
        self.relu.as_ref().is_some_and(|relu| relu.functional)
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let gate = self.relu.as_ref().map(|_| Ok::<_, TchError>((kept.tensor(0)?, gate))).transpose()?;
        self.onto(kept, gradient, gate, sums)
    }
}

impl Compared for Normalise {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Sum::of_each(pair.here.shapes.len(), |sums| self.multipliers_onto(pair, gradient, sums))
    }

    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        match &self.relu {
            Some(relu) => self.onto(pair.here, &relu.multipliers(pair, gradient)?, None, sums),
            None => self.onto(pair.here, gradient, None, sums),
        }
    }

    /// Always false: the operation itself keeps the values that its ReLU compares.
    fn reads_values(&self) -> bool {
        false
    }
}
