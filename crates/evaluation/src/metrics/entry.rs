//! Entry of a metric, and what a metric computes.

use std::fmt::Debug;

use sweep::evaluation::{Axis, Direction};
use sweep::parameters::{Parameter, ParameterError, Parameters};

use crate::families::Family;

/// Entry of a metric in the list.
#[derive(Debug)]
pub struct Entry {
    /// Class name in configs, the one that users know.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Paper or page that defines the metric.
    pub reference: &'static str,
    /// Which of two scores is the better one.
    pub direction: Direction,
    /// Parameters, the options of `evaluation_defaults` that the metric takes among them.
    pub parameters: &'static [Parameter],
    /// Makes the metric of checked parameters.
    pub build: fn(&Parameters) -> Result<Box<dyn Metric>, ParameterError>,
}

/// Metric with its parameters.
pub trait Metric: Debug {
    /// Measurements that the metric reads.
    fn measured(&self) -> Vec<Measured>;

    /// Score of one image and map, from the values of each measurement in the order of [`Metric::measured`]. NaN where the score is
    /// undefined.
    fn score(&self, rows: &[Row<'_>]) -> f64;
}

/// Measurement that a metric reads.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Family.
    pub family: &'static dyn Family,
    /// Parameters that the metric sets; the others have the family's defaults.
    pub parameters: Parameters,
}

/// Values that a measurement has of one image.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Values, in the order of the axes.
    pub values: &'a [f32],
    /// Axes.
    pub axes: &'a [Axis],
}

impl Row<'_> {
    /// Number of entries of axis number `at`.
    pub(crate) fn size(&self, at: usize) -> usize {
        self.axes.get(at).map_or(0, |axis| axis.size as usize)
    }

    /// Value number `at`; NaN where there is none.
    pub(crate) fn at(&self, at: usize) -> f64 {
        self.values.get(at).map_or(f64::NAN, |value| f64::from(*value))
    }
}

impl Measured {
    /// Measurement of `family` with those of the `given` parameters that the family has.
    pub(crate) fn with(family: &'static dyn Family, given: &Parameters) -> Self {
        let known = |name: &&String| family.parameters().iter().any(|parameter| parameter.name == **name);
        let pairs = given.0.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.clone(), value.clone()));
        Self { family, parameters: Parameters(pairs.collect()) }
    }

    /// Sets the parameter `name` of the measurement to `value`.
    pub(crate) fn set(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.parameters.0.insert(name.to_owned(), value.into());
        self
    }
}
