//! `AttnLRP`: relevance of transformers in which attention weights have their share.

use network::rules::relevance::{Attentions, Relevance};

use super::lrp::Propagation;
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "AttnLRP",
        "relevance of the logit, by the epsilon rule with no epsilon at layers; deviations of norms are constants, GELU passes it, and both \
         factors of a product in an attention share it equally. What the softmax takes is not given to any pixel: maps need not sum to the logit",
        "Achtibat et al. 2024, https://arxiv.org/abs/2402.05602",
    ],
    &[],
    |_, _| {
        let rule = Relevance { layers: Vec::new(), with_bias: true, attentions: Attentions::Shared };
        Ok(Box::new(Propagation { rule, per_logit: false }))
    },
)
.sharing_a_score()
.called(&["attn_lrp", "AttnLrp", "attnlrp"]);
