//! Metrics that are one number of a map.

use sweep::parameters::Parameters;

use crate::families::{QUANTITIES, Shape};
use crate::metrics::{Measured, Metric, Row};

/// Metric that is the number called `quantity`.
#[derive(Clone, Debug)]
pub(super) struct OfShape {
    measured: Measured,
    quantity: &'static str,
}

impl OfShape {
    pub(super) fn boxed(parameters: &Parameters, quantity: &'static str) -> Box<dyn Metric> {
        Box::new(Self { measured: Measured::with(&Shape, parameters), quantity })
    }
}

impl Metric for OfShape {
    fn measured(&self) -> Vec<Measured> {
        vec![self.measured.clone()]
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        let at = QUANTITIES.iter().position(|quantity| *quantity == self.quantity);
        let value = rows.first().zip(at).and_then(|(row, at)| row.values.get(at));
        value.map_or(f64::NAN, |value| f64::from(*value))
    }
}
