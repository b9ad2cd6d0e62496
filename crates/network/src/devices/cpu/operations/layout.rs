//! In and out of blocks.

use tch::{TchError, Tensor};

use crate::devices::cpu::onednn::block;
use crate::graph::{How, Kept, Local, Operation};

/// `[n, c, h, w]` to `[n, c / b, h, w, b]`.
#[derive(Debug)]
pub(crate) struct Enter;

/// `[n, c / b, h, w, b]` to `[n, c, h, w]`.
#[derive(Debug)]
pub(crate) struct Leave;

pub(crate) fn enter(tensor: &Tensor) -> Result<Tensor, TchError> {
    let (n, c, h, w) = tensor.size4()?;
    let block = block().unwrap_or(1);
    tensor.f_reshape([n, c / block, block, h, w])?.f_permute([0, 1, 3, 4, 2])?.f_contiguous()
}

pub(crate) fn leave(tensor: &Tensor) -> Result<Tensor, TchError> {
    let (n, blocks, h, w, block) = tensor.size5()?;
    tensor.f_permute([0, 1, 4, 2, 3])?.f_reshape([n, blocks * block, h, w])
}

impl Operation for Enter {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((enter(inputs[0])?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![leave(gradient)?])
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Enter {
    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        enter(inputs[0])
    }
}

impl Operation for Leave {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((leave(inputs[0])?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![enter(gradient)?])
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Leave {
    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        leave(inputs[0])
    }
}
