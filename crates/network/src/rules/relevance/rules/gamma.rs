//! The gamma rule: terms with the sign of the output count 1 + gamma times.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, by_sign, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "gamma",
    summary: "the share of x w where terms with the sign of the output count 1 + gamma times: Montavon et al. 2019, signed as zennit has it",
    numbers: &[("gamma", 0.25)],
    make: |numbers| Box::new(Gamma(numbers[0])),
};

#[derive(Clone, Copy, Debug)]
struct Gamma(f64);

impl LayerRule for Gamma {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let (x, y, w) = (map.input()?, map.output()?, map.weight());
        let (above, below) = (x.f_clamp_min(0.0)?, x.f_clamp_max(0.0)?);
        let more = |part: Tensor| w.f_add(&part.f_mul_scalar(self.0)?);
        let (raising, lowering) = (map.with(more(w.f_clamp_min(0.0)?)?)?, map.with(more(w.f_clamp_max(0.0)?)?)?);
        let bias = |part: Tensor, bias: &Tensor| bias.f_add(&part.f_mul_scalar(self.0)?);
        let of_positive = raising.forward(&above)?.f_add(&lowering.forward(&below)?)?;
        let of_positive = map.plus_bias(of_positive, |own| bias(own.f_clamp_min(0.0)?, own))?;
        let of_negative = lowering.forward(&above)?.f_add(&raising.forward(&below)?)?;
        let of_negative = map.plus_bias(of_negative, |own| bias(own.f_clamp_max(0.0)?, own))?;
        // An output of zero has no sign, and no relevance either.
        let relevance = y.f_mul(m)?;
        let kind = y.f_kind()?;
        let positive = divided(&relevance, &of_positive, LEAST)?.f_mul(&y.f_gt(0.0)?.f_to_kind(kind)?)?;
        let negative = divided(&relevance, &of_negative, LEAST)?.f_mul(&y.f_lt(0.0)?.f_to_kind(kind)?)?;
        let of_above = raising.transposed(&positive)?.f_add(&lowering.transposed(&negative)?)?;
        let of_below = lowering.transposed(&positive)?.f_add(&raising.transposed(&negative)?)?;
        Ok(Back::Multiplier(by_sign(x, &of_above, &of_below)?))
    }
}
