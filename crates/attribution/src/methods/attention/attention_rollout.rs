//! Attention rollout: attentions of all layers one after the other, half of each passed by.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use super::looks::{START_LAYER, class_row, map_of, over_heads, patches};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "AttentionRollout",
        "product of the attentions of all layers, each half of it the identity, in the row of the class. It knows no class",
        "Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928",
    ],
    &[START_LAYER, HEAD_FUSION],
    |parameters, _| {
        let fusion: Fusion = match parameters.word("head_fusion")? {
            "min" => |weights| summing_to_one(&weights.f_amin([1_i64], false)?),
            "max" => |weights| summing_to_one(&weights.f_amax([1_i64], false)?),
            _ => |weights| Ok((over_heads(weights)?, None)),
        };
        Ok(Box::new(Rollout { start: parameters.integer("start_layer")? as usize, fusion }))
    },
)
.on_attentions()
.called(&["Rollout", "rollout", "attention_rollout"]);

/// Attention `[n, tokens, tokens]` that stands for all heads, and the sums of its rows with the identity `[n, 1, tokens]` where
/// these sums are not 2.
type Fusion = fn(&Tensor) -> Result<(Tensor, Option<Tensor>), TchError>;

/// `fused`, the least or the largest of all heads, whose rows do not sum to one any more, and the sums of its rows with the identity.
fn summing_to_one(fused: &Tensor) -> Result<(Tensor, Option<Tensor>), TchError> {
    let sums = fused.f_sum_dim_intlist([2_i64].as_slice(), false, fused.f_kind()?)?;
    Ok((fused.shallow_clone(), Some(sums.f_add_scalar(1.0)?.f_unsqueeze(1)?)))
}

const HEAD_FUSION: Parameter = Parameter {
    name: Cow::Borrowed("head_fusion"),
    summary: Cow::Borrowed(
        "what stands for all heads of an attention; rows with the identity are scaled to sum to one",
    ),
    kind: Kind::Word(Cow::Borrowed(&[Cow::Borrowed("mean"), Cow::Borrowed("min"), Cow::Borrowed("max")])),
    default: Some(Default::Word(Cow::Borrowed("mean"))),
};

struct Rollout {
    start: usize,
    fusion: Fusion,
}

impl Method for Rollout {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let patches = patches(pass)?;
        let mut row = class_row(pass, patches)?;
        // The product has the last attention on its left, where the row of the class is taken.
        pass.graph().visit_attentions(pass.images(), pass.targets(), |number, weights, _| {
            if number >= self.start {
                let (fused, sums) = (self.fusion)(weights)?;
                row = match sums {
                    // The rows of a mean sum to one, and with the identity to two.
                    None => row.f_add(&row.f_matmul(&fused)?)?.f_mul_scalar(0.5)?,
                    Some(sums) => {
                        let shares = row.f_div(&sums)?;
                        shares.f_add(&shares.f_matmul(&fused)?)?
                    }
                };
            }
            Ok(())
        })?;
        Ok(map_of(pass, &row, patches)?.into())
    }
}
