//! Saliency: the absolute gradient of the target logit, for each channel by itself.

use tch::TchError;

use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "Saliency",
        "absolute gradient of the target logit, per channel",
        "Simonyan et al. 2013, https://arxiv.org/abs/1312.6034",
    ],
    &[],
    |_, _| Ok(Box::new(Saliency)),
)
.on_the_pass();

/// Saliency: one forward and one backward pass. The paper takes the largest channel; Captum and this method do not.
struct Saliency;

impl Method for Saliency {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.gradient()?.f_abs()?.into())
    }
}
