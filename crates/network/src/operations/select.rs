//! Parts of a value.

use tch::{TchError, Tensor};

use super::Entry;
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry =
    Entry { name: "select", summary: "part of a value: one index, a slice, a chunk", deep_lift: "linear" };

/// One index of dimension `dim`, which goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Select {
    pub(crate) dim: i64,
    pub(crate) index: i64,
}

/// A range of dimension `dim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) dim: i64,
    pub(crate) start: i64,
    /// Beyond the last; larger than the dimension means all of it.
    pub(crate) end: i64,
    pub(crate) step: i64,
}

impl Operation for Select {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_select(self.dim, self.index)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![Tensor::f_select_backward(gradient, kept.shape(0)?, self.dim, self.index)?])
    }
}

impl Operation for Slice {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_slice(self.dim, self.start, self.end, self.step)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        let Self { dim, start, end, step } = *self;
        Ok(vec![Tensor::f_slice_backward(gradient, kept.shape(0)?, dim, start, end, step)?])
    }
}
