//! Guided backpropagation: at every ReLU only positive gradients pass, and only where the input was positive.

use network::rules::ReluRule;
use sweep::semantics::Semantics;
use tch::TchError;

use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GuidedBackprop",
        "gradient whose negative parts are cut at every ReLU",
        "Springenberg et al. 2014, https://arxiv.org/abs/1412.6806",
    ],
    &[],
    |_, semantics| Ok(Box::new(GuidedBackprop(guided(semantics)))),
)
.on_the_pass();

/// Guided backpropagation: one forward and one backward pass. The map is signed.
struct GuidedBackprop(ReluRule);

impl Method for GuidedBackprop {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.backward(&self.0)?.into())
    }
}

/// The rule at a ReLU.
pub(in crate::methods) fn guided(semantics: Semantics) -> ReluRule {
    ReluRule::guided(semantics != Semantics::Captum)
}
