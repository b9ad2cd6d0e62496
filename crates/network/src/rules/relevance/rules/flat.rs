//! The flat rule: all inputs of an output share its relevance equally.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "flat",
    summary: "equal shares to all inputs of an output, where a layer reads the images: Lapuschkin et al. 2019",
    numbers: &[],
    make: |_| Box::new(Flat),
};

#[derive(Clone, Copy, Debug)]
struct Flat;

impl LayerRule for Flat {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let ones = map.with(map.weight().f_ones_like()?)?;
        // Of one image: it is the same for all.
        let count = ones.forward(&map.input()?.f_narrow(0, 0, 1)?.f_ones_like()?)?;
        let shares = divided(&map.output()?.f_mul(m)?, &count, LEAST)?;
        Ok(Back::Relevance(ones.transposed(&shares)?))
    }

    fn is_first_only(&self) -> bool {
        true
    }
}
