//! The z-box rule: shares of what a pixel adds beyond the least that a pixel could.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "z_box",
    summary: "the share of x w - l w+ - h w-, for inputs from l to h, where a layer reads the images: Montavon et al. 2017",
    numbers: &[("low", -1.0), ("high", 1.0)],
    make: |numbers| Box::new(ZBox { low: numbers[0], high: numbers[1] }),
};

#[derive(Clone, Copy, Debug)]
struct ZBox {
    low: f64,
    high: f64,
}

impl LayerRule for ZBox {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let x = map.input()?;
        let whole = map.with(map.weight().shallow_clone())?;
        let positive = map.with(map.weight().f_clamp_min(0.0)?)?;
        let negative = map.with(map.weight().f_clamp_max(0.0)?)?;
        // Of one image: it is the same for all.
        let one = x.f_narrow(0, 0, 1)?;
        let (low, high) = (one.f_full_like(self.low)?, one.f_full_like(self.high)?);
        let z = whole.forward(x)?.f_sub(&positive.forward(&low)?)?.f_sub(&negative.forward(&high)?)?;
        let shares = divided(&map.output()?.f_mul(m)?, &z, LEAST)?;
        let of_x = x.f_mul(&whole.transposed(&shares)?)?;
        let of_low = positive.transposed(&shares)?.f_mul_scalar(self.low)?;
        let of_high = negative.transposed(&shares)?.f_mul_scalar(self.high)?;
        Ok(Back::Relevance(of_x.f_sub(&of_low)?.f_sub(&of_high)?))
    }

    fn is_first_only(&self) -> bool {
        true
    }
}
