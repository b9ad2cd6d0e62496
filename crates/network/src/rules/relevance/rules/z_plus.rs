//! The z+ rule: only terms that raise an output have a share. It is the alpha-beta rule with 1 and 0.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, by_sign, divided, is_nonnegative};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "z_plus",
    summary: "the share of x w among the positive terms of an output: Montavon et al. 2017",
    numbers: &[],
    make: |_| Box::new(ZPlus),
};

#[derive(Clone, Copy, Debug)]
pub(super) struct ZPlus;

impl LayerRule for ZPlus {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let x = map.input()?;
        let positive = map.with(map.weight().f_clamp_min(0.0)?)?;
        let relevance = map.output()?.f_mul(m)?;
        let raised = map.plus_bias(positive.forward(&x.f_clamp_min(0.0)?)?, |bias| bias.f_clamp_min(0.0))?;
        if is_nonnegative(x)? {
            return Ok(Back::Multiplier(positive.transposed(&divided(&relevance, &raised, LEAST)?)?));
        }
        let negative = map.with(map.weight().f_clamp_max(0.0)?)?;
        let raised = raised.f_add(&negative.forward(&x.f_clamp_max(0.0)?)?)?;
        let shares = divided(&relevance, &raised, LEAST)?;
        Ok(Back::Multiplier(by_sign(x, &positive.transposed(&shares)?, &negative.transposed(&shares)?)?))
    }
}
