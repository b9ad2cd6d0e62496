//! The alpha-beta rule: terms that raise an output share alpha of its relevance, those that lower it take beta.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, by_sign, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "alpha_beta",
    summary: "alpha of the relevance to terms that raise an output, less beta to those that lower it: Bach et al. 2015",
    numbers: &[("alpha", 2.0), ("beta", 1.0)],
    make: |numbers| Box::new(AlphaBeta { alpha: numbers[0], beta: numbers[1] }),
};

#[derive(Clone, Copy, Debug)]
struct AlphaBeta {
    alpha: f64,
    beta: f64,
}

impl LayerRule for AlphaBeta {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let x = map.input()?;
        let (above, below) = (x.f_clamp_min(0.0)?, x.f_clamp_max(0.0)?);
        let positive = map.with(map.weight().f_clamp_min(0.0)?)?;
        let negative = map.with(map.weight().f_clamp_max(0.0)?)?;
        let relevance = map.output()?.f_mul(m)?;
        let raised = positive.forward(&above)?.f_add(&negative.forward(&below)?)?;
        let lowered = negative.forward(&above)?.f_add(&positive.forward(&below)?)?;
        let raised = map.plus_bias(raised, |bias| bias.f_clamp_min(0.0))?;
        let lowered = map.plus_bias(lowered, |bias| bias.f_clamp_max(0.0))?;
        let raised = divided(&relevance, &raised, LEAST)?.f_mul_scalar(self.alpha)?;
        let lowered = divided(&relevance, &lowered, LEAST)?.f_mul_scalar(self.beta)?;
        let of_above = positive.transposed(&raised)?.f_sub(&negative.transposed(&lowered)?)?;
        let of_below = negative.transposed(&raised)?.f_sub(&positive.transposed(&lowered)?)?;
        Ok(Back::Multiplier(by_sign(x, &of_above, &of_below)?))
    }
}
