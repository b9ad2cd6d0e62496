//! Softmax inside a network.

use tch::{TchError, Tensor};

use super::{Entry, plain_gradient};
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry =
    Entry { name: "softmax", summary: "softmax along a dimension", deep_lift: "plain gradient: not complete" };

/// Softmax along dimension `dim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Softmax {
    pub(crate) dim: i64,
}

impl Operation for Softmax {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((inputs[0].f_softmax(self.dim, None)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| inputs[0].f_softmax(self.dim, None))
    }
}
