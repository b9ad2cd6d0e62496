//! Generic attention explainability: attentions of all layers where their gradient is positive.

use tch::TchError;

use super::looks::{START_LAYER, class_row, map_of, over_heads, patches};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GenericAttention",
        "product over layers of the identity and the positive part of attention times its gradient, averaged over heads, in the row of the class",
        "Chefer et al. 2021, https://arxiv.org/abs/2103.15679",
    ],
    &[START_LAYER],
    |parameters, _| Ok(Box::new(GenericAttention { start: parameters.integer("start_layer")? as usize })),
)
.on_attentions()
.called(&["GAE", "gae", "generic_attention", "generic_attribution"]);

struct GenericAttention {
    start: usize,
}

impl Method for GenericAttention {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let patches = patches(pass)?;
        let mut row = class_row(pass, patches)?;
        pass.graph().visit_attentions(pass.images(), pass.targets(), |number, weights, gradient| {
            if number >= self.start {
                let relevant = over_heads(&weights.f_mul(gradient)?.f_relu()?)?;
                row = row.f_add(&row.f_matmul(&relevant)?)?;
            }
            Ok(())
        })?;
        Ok(map_of(pass, &row, patches)?.into())
    }
}
