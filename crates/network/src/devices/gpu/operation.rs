//! A convolution, which the library computes, and what follows it in one kernel: batch norm, a sum with another value, a ReLU.

use std::rc::Rc;

use tch::{TchError, Tensor};

use super::end::{Affine, Ends};
use crate::graph::{Come, Compared, Gate, Gated, How, Kept, Local, Operation, Pair, Reach, Stem, Sum};
use crate::operations::{BatchNorm, Convolution, Relu, reduced};
use crate::tensors::lazy::Lazy;

/// Convolution, batch norm, sum and ReLU. There is a convolution or a batch norm.
#[derive(Debug)]
pub(super) struct Ended {
    ends: Ends,
    convolution: Option<Convolution>,
    norm: Option<Affine>,
    /// The convolution with the scale of the batch norm in its weights, for the way back.
    scaled: Lazy<Convolution>,
    /// Whether there is a ReLU, and if so whether the model calls the function instead of a module.
    relu: Option<bool>,
}

impl Ended {
    /// A convolution, the batch norm behind it and the ReLU behind both. If there is a second input, it is added before the ReLU.
    pub(super) fn new(
        ends: Ends,
        convolution: Option<&Convolution>,
        norm: Option<&BatchNorm>,
        relu: Option<&Relu>,
    ) -> Result<Self, TchError> {
        let copied = |found: &Convolution| {
            let bias = found.bias.as_ref().map(Tensor::shallow_clone);
            Convolution::new(found.weight.shallow_clone(), bias, found.geometry)
        };
        Ok(Self {
            ends,
            convolution: convolution.map(copied).transpose()?,
            norm: norm.map(Affine::of).transpose()?,
            scaled: Lazy::default(),
            relu: relu.map(|relu| relu.functional),
        })
    }

    /// What follows the sums `x` of the convolution, whose memory is `own`.
    fn ended(&self, x: (&Tensor, bool), others: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (norm, relu) = (self.norm.as_ref(), self.relu.is_some());
        match others.first() {
            // One of both is broadcast: a pass of its own.
            Some(other) if other.size() != x.0.size() => {
                let (y, _) = self.ends.finish(x, norm, None, (false, How::FORWARD))?;
                self.ends.finish((&y.f_add(other)?, true), None, None, (relu, how))
            }
            other => self.ends.finish(x, norm, other.copied(), (relu, how)),
        }
    }

    /// The convolution of the way back.
    fn scaled(&self, convolution: &Convolution) -> Result<Rc<Convolution>, TchError> {
        self.scaled.get(|| {
            let weight = match &self.norm {
                Some(norm) => convolution.weight.f_mul(&norm.scale.f_view([-1, 1, 1, 1])?)?,
                None => convolution.weight.shallow_clone(),
            };
            Convolution::new(weight, None, convolution.geometry)
        })
    }

    /// Shape of what the convolution gives, and the batch norm.
    fn inner_shape(&self, kept: &Kept) -> Result<Vec<i64>, TchError> {
        let Some(convolution) = &self.convolution else { return Ok(kept.shape(0)?.to_vec()) };
        let (size, geometry) = (kept.area(0)?, convolution.geometry);
        let output = |axis: usize| {
            (size[axis] + 2 * geometry.padding[axis] - convolution.reach(axis) - 1) / geometry.stride[axis] + 1
        };
        Ok(vec![kept.shape(0)?[0], convolution.weight.size()[0], output(0), output(1)])
    }

    /// Gradients of all inputs from that before the ReLU.
    fn given_on(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let inner = reduced(gradient, &self.inner_shape(kept)?)?;
        let first = match (&self.convolution, &self.norm) {
            (Some(convolution), _) => self.scaled(convolution)?.input_gradient(&inner, kept.area(0)?)?,
            (None, Some(norm)) => inner.f_mul(&norm.scale.f_view([1, -1, 1, 1])?)?,
            (None, None) => inner,
        };
        let mut all = vec![first];
        if kept.shapes.len() > 1 {
            all.push(reduced(gradient, kept.shape(1)?)?);
        }
        Ok(all)
    }

    /// The gradient before the ReLU, which lets it pass by `gate`.
    fn before_relu(&self, gate: Gate, kept: &Kept, come: &Come) -> Result<Tensor, TchError> {
        if self.relu.is_none() {
            return come.whole();
        }
        let positive = if gate.masked { Some(kept.tensor(0)?) } else { None };
        self.ends.back(come, positive, gate.rectified)
    }
}

impl Operation for Ended {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        match &self.convolution {
            Some(convolution) => self.ended((&convolution.run(inputs, how)?.0, true), &inputs[1..], how),
            None => self.ended((inputs[0], false), &inputs[1..], how),
        }
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.given_on(kept, &self.before_relu(Gate::PLAIN, kept, &Come::of(gradient))?)
    }

    fn adds_up(&self) -> bool {
        self.relu.is_some()
    }

    fn forget(&self) -> bool {
        let turned = self.convolution.as_ref().is_some_and(Operation::forget);
        self.scaled.forget() || turned
    }

    fn gated(&self) -> Option<&dyn Gated> {
        self.relu.map(|_| self as &dyn Gated)
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }

    fn stem(&self) -> Option<&dyn Stem> {
        self.convolution.as_ref().map(|_| self as &dyn Stem)
    }
}

impl Local for Ended {
    fn reach(&self, input: usize) -> Reach {
        match &self.convolution {
            Some(convolution) if input == 0 => Local::reach(convolution, 0),
            _ => Reach::Pixel,
        }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        let Some(convolution) = &self.convolution else { return Ok(self.run(inputs, How::FORWARD)?.0) };
        Ok(self.ended((&convolution.run_inside(inputs)?, true), &inputs[1..], How::FORWARD)?.0)
    }
}

impl Gated for Ended {
    fn is_functional(&self) -> bool {
        self.relu.unwrap_or(false)
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        self.backward_of_come(gate, kept, &Come::of(gradient), sums)
    }

    fn backward_of_come(&self, gate: Gate, kept: &Kept, come: &Come, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.given_on(kept, &self.before_relu(gate, kept, come)?)?)
    }
}

impl Compared for Ended {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let Some(functional) = self.relu else { return self.given_on(pair.here, gradient) };
        let (here, there) = (pair.here.tensor(0)?, pair.there.tensor(0)?);
        let gradient = if functional && pair.functional_is_plain {
            gradient.f_mul(&here.f_gt(0.0)?)?
        } else {
            self.ends.rescale(gradient, here, there)?
        };
        self.given_on(pair.here, &gradient)
    }

    /// No: the operation itself keeps the values that its ReLU compares.
    fn reads_values(&self) -> bool {
        false
    }
}

impl Stem for Ended {
    fn before_linear(&self, gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        self.before_relu(gate, kept, &Come::of(gradient))
    }

    fn linear_part(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        match &self.convolution {
            Some(convolution) => self.scaled(convolution)?.input_gradient(gradient, size),
            None => Err(TchError::Shape("a stem without a convolution".to_owned())),
        }
    }
}
