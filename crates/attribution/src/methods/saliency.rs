//! Saliency: the absolute gradient of the target logit, for each channel by itself.

use std::borrow::Cow;

use sweep::catalogue::Item;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::Pass;

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("Saliency"),
        summary: Cow::Borrowed("absolute gradient of the target logit, per channel"),
        reference: Cow::Borrowed("Simonyan et al. 2013, https://arxiv.org/abs/1312.6034"),
        parameters: Cow::Borrowed(&[]),
    },
    complete: false,
    build: |_| Ok(Box::new(Saliency)),
};

/// One forward and one backward pass. The paper takes the largest channel; Captum and this do not.
struct Saliency;

impl Method for Saliency {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError> {
        pass.gradient()?.f_abs()
    }
}
