//! The w-square rule: inputs share the relevance of an output by the squares of their weights.

use tch::{TchError, Tensor};

use crate::rules::relevance::layer_rule::{Back, LEAST, LayerEntry, LayerRule};
use crate::rules::relevance::linear_map::{LinearMap, divided};

pub(super) const ENTRY: LayerEntry = LayerEntry {
    name: "w_square",
    summary: "shares by the squares of the weights, where a layer reads the images: Montavon et al. 2017",
    numbers: &[],
    make: |_| Box::new(WSquare),
};

#[derive(Clone, Copy, Debug)]
struct WSquare;

impl LayerRule for WSquare {
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError> {
        let squares = map.with(map.weight().f_square()?)?;
        // Of one image: it is the same for all.
        let all = squares.forward(&map.input()?.f_narrow(0, 0, 1)?.f_ones_like()?)?;
        let all = map.plus_bias(all, Tensor::f_square)?;
        let shares = divided(&map.output()?.f_mul(m)?, &all, LEAST)?;
        Ok(Back::Relevance(squares.transposed(&shares)?))
    }

    fn is_first_only(&self) -> bool {
        true
    }
}
