//! The epsilon rule: each input gets the share of its own term.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "epsilon",
    summary: "the share of x w in z, which is moved away from zero by epsilon: Bach et al. 2015",
    numbers: &[("epsilon", LEAST)],
    make: |numbers| Box::new(Epsilon(numbers[0])),
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Epsilon(pub(super) f64);

impl LayerRule for Epsilon {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let shares = divided(&map.output()?.f_mul(m)?, &map.counted()?, self.0)?;
        Ok(Back::Multiplier(map.with(map.weight().shallow_clone())?.transposed(&shares)?))
    }
}
