//! Deconvolution: at every ReLU only positive gradients pass, wherever the input was.

use std::borrow::Cow;

use network::Rule;
use sweep::catalogue::Item;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::Pass;

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("Deconvolution"),
        summary: Cow::Borrowed("gradient with the ReLU applied to itself instead of the forward mask"),
        reference: Cow::Borrowed("Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901"),
        parameters: Cow::Borrowed(&[]),
    },
    complete: false,
    build: |_| Ok(Box::new(Deconvolution)),
};

/// One forward and one backward pass. Convolutions, pooling and batch norms keep their gradient.
struct Deconvolution;

impl Method for Deconvolution {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        pass.backward(&Rectified)
    }
}

struct Rectified;

impl Rule for Rectified {
    fn relu(&self, gradient: &Tensor, _: &Tensor) -> Result<Tensor, TchError> {
        gradient.f_relu()
    }
}
