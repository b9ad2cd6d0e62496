//! Transformer attribution: attentions of all layers, by the relevance and the gradient of their weights.

use tch::TchError;

use super::looks::{START_LAYER, class_row, map_of, over_heads, patches};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "TransformerAttribution",
        "product over layers of the identity and the positive part of the relevance of attention weights times their gradient, averaged over \
         heads, in the row of the class. Sums are those of an image: the authors' code sums over the batch, and is right for one image alone",
        "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    ],
    &[START_LAYER],
    |parameters, _| Ok(Box::new(TransformerAttribution { start: parameters.integer("start_layer")? as usize })),
)
.on_attentions()
.called(&["transformer_attribution", "attentionlrp", "CheferLRP"]);

/// Transformer attribution: two forward and two backward passes; the relevance of all attentions of a batch is held.
struct TransformerAttribution {
    start: usize,
}

impl Method for TransformerAttribution {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let patches = patches(pass)?;
        let mut relevance = pass.graph().attention_relevance(pass.images(), pass.targets())?.into_iter();
        let mut row = class_row(pass, patches)?;
        pass.graph().visit_attentions(pass.images(), pass.targets(), |number, _, gradient| {
            // Both come from the last attention to the first.
            let unpaired = || TchError::Shape(format!("attention {number} has no relevance"));
            let of_weights = relevance.next().ok_or_else(unpaired)?;
            if number >= self.start {
                let relevant = over_heads(&of_weights.f_mul(gradient)?.f_relu()?)?;
                row = row.f_add(&row.f_matmul(&relevant)?)?;
            }
            Ok(())
        })?;
        Ok(map_of(pass, &row, patches)?.into())
    }
}
