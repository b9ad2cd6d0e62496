//! The same values in another shape or order.

use tch::{TchError, Tensor};

use super::Entry;
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "reshape",
    summary: "the same values in another shape or order: view, flatten, squeeze, permute, transpose",
    deep_lift: "linear",
};

/// A size of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Fixed(i64),
    /// So many times the number of images.
    Images(i64),
}

/// Another shape, in the same order.
#[derive(Clone, Debug)]
pub(crate) struct Reshape {
    pub(crate) shape: Vec<Size>,
    /// What the number of images is counted in: rows of the input for each image.
    pub(crate) rows: i64,
}

/// Another order of dimensions.
#[derive(Clone, Debug)]
pub(crate) struct Permute {
    /// Where each dimension comes from.
    pub(crate) order: Vec<i64>,
}

impl Reshape {
    /// Everything but the images in one dimension.
    pub(crate) fn flat() -> Self {
        Self { shape: vec![Size::Images(1), Size::Fixed(-1)], rows: 1 }
    }
}

impl Operation for Reshape {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let images = inputs[0].size().first().copied().unwrap_or(1) / self.rows;
        let size = |size: &Size| match *size {
            Size::Fixed(size) => size,
            Size::Images(times) => times * images,
        };
        let shape: Vec<i64> = self.shape.iter().map(size).collect();
        Ok((inputs[0].f_reshape(&shape)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![gradient.f_reshape(kept.shape(0)?)?])
    }
}

impl Operation for Permute {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_permute(self.order.as_slice())?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        let mut back = vec![0; self.order.len()];
        for (to, from) in self.order.iter().enumerate() {
            back[*from as usize] = to as i64;
        }
        Ok(vec![gradient.f_permute(back.as_slice())?])
    }
}
