//! CP-LRP: relevance of transformers in which attention weights are constants.

use network::rules::relevance::{Attentions, Relevance};

use super::lrp::Propagation;
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "CPLRP",
        "relevance of the logit, by the epsilon rule with no epsilon at layers; deviations of norms and weights of attentions are \
         constants, and GELU passes it",
        "Ali et al. 2022, https://arxiv.org/abs/2202.07304",
    ],
    &[],
    |_, _| {
        let rule = Relevance { layers: Vec::new(), with_bias: true, attentions: Attentions::Constant };
        Ok(Box::new(Propagation { rule, per_logit: false }))
    },
)
.sharing_a_score()
.called(&["CP-LRP", "cp_lrp", "CpLrp"]);
