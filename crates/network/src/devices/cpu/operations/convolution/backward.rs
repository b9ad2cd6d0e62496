//! The way back through a convolution and what follows it.

use std::rc::Rc;

use tch::{TchError, Tensor};

use super::Block;
use crate::devices::cpu::convolutions::input_gradient::{InputGradient, Maps};
use crate::devices::cpu::operations::ending::LastRelu;
use crate::graph::{Compared, Gate, Gated, Kept, Pair, Stem, Sum};
use crate::operations::{Geometry, reduced};

impl Block {
    /// Gradient of the convolution's input, for inputs of `size` `[h, w]` in pixels. The weights for this gradient are made at
    /// the first call.
    fn input_gradient(&self, size: [i64; 2]) -> Result<Rc<InputGradient>, TchError> {
        let (scale, maps) = (self.norm.as_ref().map(|norm| &norm.scale), Maps::of(size));
        self.input_gradients[maps.kind()].get(|| InputGradient::of(&self.weight, self.geometry, scale, maps))
    }

    /// Gradients of all inputs, from the gradient before the ReLU.
    pub(super) fn given_on(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let size = kept.plane(0)?;
        let [.., block] = kept.output_shape[..] else { return Err(TchError::Shape("a value without blocks".into())) };
        let Geometry { stride, padding, dilation, .. } = self.geometry;
        let output = |axis: usize| {
            (size[axis] + 2 * padding[axis] - dilation[axis] * (self.kernel[axis] - 1) - 1) / stride[axis] + 1
        };
        let convolved = [kept.shape(0)?[0], self.channels / block, output(0), output(1), block];
        let mut all = vec![self.input_gradient(size)?.apply(&reduced(gradient, &convolved)?, size)?];
        if kept.shapes.len() > 1 {
            all.push(reduced(gradient, kept.shape(1)?)?);
        }
        Ok(all)
    }
}

impl Gated for Block {
    fn is_functional(&self) -> bool {
        self.relu.as_ref().is_some_and(|relu| relu.functional)
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.given_on(kept, &self.before_linear(gate, kept, gradient)?)?)
    }
}

impl Compared for Block {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let gradient = match &self.relu {
            Some(relu) => relu.multipliers(pair, gradient)?,
            None => gradient.f_contiguous()?,
        };
        self.given_on(pair.here, &gradient)
    }

    /// Always false: the operation itself keeps the values that its ReLU compares.
    fn reads_values(&self) -> bool {
        false
    }
}

impl Stem for Block {
    fn before_linear(&self, gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        match &self.relu {
            Some(_) => LastRelu::backward(gate, kept, gradient),
            None => gradient.f_contiguous(),
        }
    }

    fn linear_part(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        self.input_gradient(size)?.apply(gradient, size)
    }
}
