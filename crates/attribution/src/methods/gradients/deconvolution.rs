//! Deconvolution: at every ReLU only positive gradients pass, wherever the input was.

use network::rules::ReluRule;
use sweep::semantics::Semantics;
use tch::TchError;

use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "Deconvolution",
        "gradient with the ReLU applied to itself instead of the forward mask",
        "Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901",
    ],
    &[],
    |_, semantics| {
        let reaches_functions = semantics != Semantics::Captum;
        Ok(Box::new(Deconvolution(ReluRule::deconvolution(reaches_functions))))
    },
)
.on_the_pass();

/// Deconvolution: one forward and one backward pass. Convolutions, pooling and batch norms keep their gradient.
struct Deconvolution(ReluRule);

impl Method for Deconvolution {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.backward(&self.0)?.into())
    }
}
