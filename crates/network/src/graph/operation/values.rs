//! Operations that every graph needs whatever it computes: the images, tensors of the model, and values without a gradient.

use tch::{TchError, Tensor};

use super::kept::{How, Kept};
use super::spatial::Spatial;
use super::{Local, Operation};

/// A copy of the values in memory of its own: a change of a constant by the program later must not show in
/// operations that took it before.
pub(crate) fn copied(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}

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

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }
}

impl Operation for Constant {
    fn run(&self, _: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((self.0.shallow_clone(), Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }
}

/// The identity without a gradient: its backward step adds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detach;

impl Operation for Detach {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].shallow_clone(), Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn is_detached(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Detach {}
