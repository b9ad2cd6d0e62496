//! Guided backpropagation: at every ReLU only positive gradients pass, and only where the input was positive.

use std::borrow::Cow;

use network::Rule;
use sweep::catalogue::Item;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::Pass;

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("GuidedBackprop"),
        summary: Cow::Borrowed("gradient whose negative parts are cut at every ReLU"),
        reference: Cow::Borrowed("Springenberg et al. 2014, https://arxiv.org/abs/1412.6806"),
        parameters: Cow::Borrowed(&[]),
    },
    complete: false,
    build: |_| Ok(Box::new(GuidedBackprop)),
};

/// One forward and one backward pass. The map is signed.
struct GuidedBackprop;

impl Method for GuidedBackprop {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        pass.backward(&Guided)
    }
}

struct Guided;

impl Rule for Guided {
    fn relu(&self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError> {
        gradient.f_mul(positive)?.f_relu_()
    }
}
