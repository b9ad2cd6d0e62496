//! Input times gradient: the linear part of the target logit at the image.

use tch::TchError;

use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "InputXGradient",
        "input times the gradient of the target logit",
        "Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713",
    ],
    &[],
    |_, _| Ok(Box::new(InputXGradient)),
)
.on_the_pass();

/// Input times gradient: one forward and one backward pass.
struct InputXGradient;

impl Method for InputXGradient {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.images().f_mul(pass.gradient()?)?.into())
    }
}
