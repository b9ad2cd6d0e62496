//! Sums, differences, products and quotients of a value and a constant: linear in the value, so that
//! nothing of a pass is kept. Part of the arithmetic.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::operations::gradients::reduced;

/// Arithmetic of a value and a constant, which stands on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affine {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A value and a constant that is broadcast with it.
#[derive(Debug)]
pub(crate) struct WithConstant {
    pub(in crate::operations) what: Affine,
    pub(in crate::operations) constant: Tensor,
}

impl Operation for WithConstant {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let output = match self.what {
            Affine::Add => inputs[0].f_add(&self.constant)?,
            Affine::Subtract => inputs[0].f_sub(&self.constant)?,
            Affine::Multiply => inputs[0].f_mul(&self.constant)?,
            Affine::Divide => inputs[0].f_div(&self.constant)?,
        };
        Ok((output, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let gradient = match self.what {
            Affine::Add | Affine::Subtract => gradient.shallow_clone(),
            Affine::Multiply => gradient.f_mul(&self.constant)?,
            Affine::Divide => gradient.f_div(&self.constant)?,
        };
        Ok(vec![reduced(&gradient, kept.shape(0)?)?])
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
