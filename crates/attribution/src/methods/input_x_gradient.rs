//! Input times gradient: the linear part of the target logit at the image.

use std::borrow::Cow;

use sweep::catalogue::Item;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::Pass;

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("InputXGradient"),
        summary: Cow::Borrowed("input times the gradient of the target logit"),
        reference: Cow::Borrowed("Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713"),
        parameters: Cow::Borrowed(&[]),
    },
    complete: false,
    build: |_| Ok(Box::new(InputXGradient)),
};

/// One forward and one backward pass.
struct InputXGradient;

impl Method for InputXGradient {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        pass.images().f_mul(pass.gradient()?)
    }
}
