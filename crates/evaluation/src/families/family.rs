//! Trait of a family of measurements.

use std::fmt::Debug;

use sweep::evaluation::Axis;
use sweep::parameters::{Parameter, ParameterError, Parameters};

use super::others::randomised::Randomised;
use crate::subject::{MeasureError, Model, Subject};

/// Largest number of values that a measurement may have of one image: they are held for a whole shard.
pub(crate) const MOST_VALUES: u64 = 1 << 16;

/// Family of measurements: numbers of one image, and mostly of one map.
pub trait Family: Debug + Sync {
    /// Name of the family in stores, without `_`.
    fn name(&self) -> &'static str;

    /// Parameters of a measurement.
    fn parameters(&self) -> &'static [Parameter];

    /// Whether the numbers depend on the map: those that do not are measured once for all methods.
    fn sees_map(&self) -> bool {
        true
    }

    /// Axes of the numbers of one image `[channels, height, width]`.
    ///
    /// # Errors
    /// [`ParameterError`] for a parameter that does not fit such an image.
    fn axes(&self, parameters: &Parameters, shape: [usize; 3]) -> Result<Vec<Axis>, ParameterError>;

    /// Cost of the numbers of one image: forward passes, and maps that are made anew. None, where the model is not asked.
    fn cost(&self, _: &Parameters, _: [usize; 3]) -> Cost {
        Cost::default()
    }

    /// Models that are asked, one after the other for all images: `None` is the model as it is. Each gives the same number of values of
    /// an image, and those of the first model come first.
    fn models(&self, _: &Parameters) -> Vec<Option<Randomised>> {
        vec![None]
    }

    /// Measures one image with one of the models: values in the order of the axes. What is undefined is NaN.
    ///
    /// # Errors
    /// [`MeasureError`] if the model could not answer.
    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError>;
}

/// Cost of measuring one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Forward passes.
    pub passes: u64,
    /// Maps that are made anew.
    pub maps: u64,
}

/// Axis called `name` of `size` entries.
pub(crate) fn axis(name: &str, size: usize) -> Axis {
    Axis { name: name.to_owned(), size: size as u64 }
}
