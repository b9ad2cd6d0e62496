//! Raw attention: what the class token looks at in the last attention.

use tch::TchError;

use super::looks::{class_row, map_of, over_heads, patches};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "RawAttention",
        "weights with which the class looks at patches in the last attention, averaged over heads. It knows no class",
        "Vaswani et al. 2017, https://arxiv.org/abs/1706.03762",
    ],
    &[],
    |_, _| Ok(Box::new(RawAttention)),
)
.on_attentions()
.called(&["raw_attention", "attention", "Attention"]);

struct RawAttention;

impl Method for RawAttention {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let patches = patches(pass)?;
        let mut row = class_row(pass, patches)?;
        pass.graph().visit_attentions(pass.images(), pass.targets(), |number, weights, _| {
            if number + 1 == patches.attentions {
                row = row.f_matmul(&over_heads(weights)?)?;
            }
            Ok(())
        })?;
        Ok(map_of(pass, &row, patches)?.into())
    }
}
