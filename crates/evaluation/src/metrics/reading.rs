//! Frame of metrics: a metric is one number of the rows that its measurements have of an image.

use std::fmt;

use super::entry::{Measured, Metric, Row};

/// Metric that is a `number` of the rows of its measurements.
struct Reading<F> {
    measured: Vec<Measured>,
    number: F,
}

/// Metric that is the `number` of the rows of the `measured`, in their order; undefined where a row is missing.
pub(super) fn of_rows(measured: Vec<Measured>, number: impl Fn(&[Row<'_>]) -> f64 + 'static) -> Box<dyn Metric> {
    Box::new(Reading { measured, number })
}

/// Metric that is the `number` of the row of one measurement.
pub(super) fn of_row(measured: Measured, number: impl Fn(&Row<'_>) -> f64 + 'static) -> Box<dyn Metric> {
    of_rows(vec![measured], move |rows| rows.first().map_or(f64::NAN, &number))
}

impl<F: Fn(&[Row<'_>]) -> f64> Metric for Reading<F> {
    fn measured(&self) -> Vec<Measured> {
        self.measured.clone()
    }

    fn score(&self, rows: &[Row<'_>]) -> f64 {
        if rows.len() == self.measured.len() { (self.number)(rows) } else { f64::NAN }
    }
}

impl<F> fmt::Debug for Reading<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("measured", &self.measured).finish_non_exhaustive()
    }
}
