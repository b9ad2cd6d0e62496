//! Reading of maps that were made again: one number of each copy, and one number of all copies.

use sweep::parameters::Parameters;

use crate::families::{Again, Quantity};
use crate::metrics::reading::of_row;
use crate::metrics::{Measured, Metric, Row};

/// Ratio that a metric takes of each copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    /// Numerator and denominator.
    pub(super) of: [Quantity; 2],
    /// Guard of the denominator.
    pub(super) floor: Floor,
    /// Whether copies that are predicted otherwise are left out.
    pub(super) only_same_class: bool,
}

/// Guard of a denominator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Floor {
    /// This is added.
    Added(f64),
    /// This stands for 0.
    InPlaceOfZero(f64),
}

/// Metric that is the `number` of the ratios of all copies that count; undefined where none does.
pub(super) fn of_copies(parameters: &Parameters, ratio: Ratio, number: fn(&[f64]) -> f64) -> Box<dyn Metric> {
    of_row(Measured::with(&Again, parameters), move |row| {
        let ratios = ratio.ratios(row);
        if ratios.is_empty() { f64::NAN } else { number(&ratios) }
    })
}

impl Ratio {
    /// Ratios of the copies of one image.
    fn ratios(self, row: &Row<'_>) -> Vec<f64> {
        let of = |copy: &[f32], quantity: Quantity| f64::from(copy[quantity as usize]);
        let copies = row.values.chunks_exact(row.size(1).max(1));
        let counted = copies.filter(|copy| !self.only_same_class || of(copy, Quantity::SameClass) == 1.0);
        let ratio = |copy: &[f32]| {
            let below = of(copy, self.of[1]);
            let below = match self.floor {
                Floor::Added(more) => below + more,
                Floor::InPlaceOfZero(instead) if below == 0.0 => instead,
                Floor::InPlaceOfZero(_) => below,
            };
            of(copy, self.of[0]) / below
        };
        counted.map(ratio).collect()
    }
}

/// The largest of `ratios`; undefined where one of them is.
pub(super) fn largest(ratios: &[f64]) -> f64 {
    ratios
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, |most, ratio| if ratio.is_nan() || ratio > most { ratio } else { most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_ratios_is_undefined_where_one_is() {
        assert_eq!(largest(&[1.0, 3.0, 2.0]), 3.0);
        assert!(largest(&[1.0, f64::NAN, 2.0]).is_nan());
    }
}
