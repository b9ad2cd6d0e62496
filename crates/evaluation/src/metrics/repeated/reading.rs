//! Reading of maps that were made again: one number of each copy, and one number of all copies.

use sweep::parameters::{Default, Kind, Parameter, Parameters};

use crate::families::{Again, Quantity};
use crate::metrics::{Measured, Metric, Row};
use crate::parameters::parameter;

/// Metric that is a number of the ratios of all copies.
#[derive(Clone, Debug)]
pub(super) struct OfCopies {
    measured: Measured,
    /// Numerator and denominator of the ratio of one copy.
    ratio: [Quantity; 2],
    /// What is added to the denominator, or what the denominator is where it is exactly 0.
    floor: Floor,
    /// Whether copies that are predicted otherwise are left out.
    only_same_class: bool,
    number: fn(&[f64]) -> f64,
}

/// Guard of a denominator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Floor {
    /// This is added.
    Added(f64),
    /// This stands for 0.
    InPlaceOfZero(f64),
}

impl OfCopies {
    pub(super) fn new(parameters: &Parameters, ratio: [Quantity; 2], floor: Floor, number: fn(&[f64]) -> f64) -> Self {
        Self { measured: Measured::with(&Again, parameters), ratio, floor, only_same_class: false, number }
    }

    /// The same metric over copies whose predicted class is that of the image.
    pub(super) fn of_same_class(self) -> Self {
        Self { only_same_class: true, ..self }
    }
}

impl Metric for OfCopies {
    fn measured(&self) -> Vec<Measured> {
        vec![self.measured.clone()]
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        let Some(row) = rows.first() else { return f64::NAN };
        let of = |copy: &[f32], quantity: Quantity| f64::from(copy[quantity as usize]);
        let copies = row.values.chunks_exact(row.size(1).max(1));
        let counted = copies.filter(|copy| !self.only_same_class || of(copy, Quantity::SameClass) == 1.0);
        let ratio = |copy: &[f32]| {
            let below = of(copy, self.ratio[1]);
            let below = match self.floor {
                Floor::Added(more) => below + more,
                Floor::InPlaceOfZero(instead) if below == 0.0 => instead,
                Floor::InPlaceOfZero(_) => below,
            };
            of(copy, self.ratio[0]) / below
        };
        let ratios: Vec<f64> = counted.map(ratio).collect();
        if ratios.is_empty() { f64::NAN } else { (self.number)(&ratios) }
    }
}

/// The largest of `ratios`; undefined where one of them is.
pub(super) fn largest(ratios: &[f64]) -> f64 {
    ratios
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, |most, ratio| if ratio.is_nan() || ratio > most { ratio } else { most })
}

/// Number of copies.
pub(super) const SAMPLES: Parameter = parameter(
    "samples",
    "number of noisy copies of an image",
    Kind::Integer { least: 1, most: 9362 },
    Some(Default::Integer(10)),
);

/// Standard deviation of normal noise.
pub(super) const fn std(default: Option<Default>) -> Parameter {
    parameter(
        "std",
        "standard deviation of normal noise; without it noise is uniform",
        Kind::Number { least: 0.0, most: 1000.0 },
        default,
    )
}

/// Least uniform noise.
pub(super) const fn low(default: f64) -> Parameter {
    let kind = Kind::Number { least: -1000.0, most: 1000.0 };
    parameter("low", "least uniform noise that is added to a value", kind, Some(Default::Number(default)))
}

/// Largest uniform noise.
pub(super) const fn high(default: f64) -> Parameter {
    let kind = Kind::Number { least: -1000.0, most: 1000.0 };
    parameter("high", "largest uniform noise that is added to a value", kind, Some(Default::Number(default)))
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
