//! Values that are not computed: the images, and tensors of the model.

use tch::{TchError, Tensor};

use super::Entry;
use crate::graph::{How, Kept, Operation, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "constant",
    summary: "a tensor of the model: class token, position embedding, scale",
    deep_lift: "none",
};

/// The images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Images;

/// A tensor of the model, of one row for all images.
#[derive(Debug)]
pub(crate) struct Constant(pub(crate) Tensor);

impl Operation for Images {
    fn run(&self, _: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Err(TchError::Shape("the images are an input".to_owned()))
    }

    fn backward(&self, _: &Kept, _: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }
}

impl Operation for Constant {
    fn run(&self, _: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((self.0.shallow_clone(), Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor, _: &dyn Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }
}
