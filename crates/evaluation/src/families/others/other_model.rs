//! Other model: similarity of the map with the map of a model whose layers were drawn anew, and the entropy of both.

use std::borrow::Cow;

use sweep::evaluation::Axis;
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};

use super::randomised::{Order, Randomised};
use super::similarity::similarities;
use crate::families::family::{Cost, Family, axis};
use crate::numbers::histogram_entropy;
use crate::parameters::parameter;
use crate::subject::{MeasureError, Model, Subject};

/// Family of maps of randomised models.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherModel;

/// Numbers of one model, in their order: similarities of both maps, then the entropy of the histograms of the map of the randomised
/// model and of the map itself.
pub(crate) const NUMBERS: [&str; 5] = ["spearman", "cosine", "ssim", "entropy", "own_entropy"];

/// Order in which layers are drawn anew.
pub(crate) const LAYERS: Parameter = parameter(
    "order",
    "layers that are drawn anew: ever more from the output on or from the input on, all in the last model, or one portion at a time",
    Kind::Word(Cow::Borrowed(&[Cow::Borrowed("top_down"), Cow::Borrowed("bottom_up"), Cow::Borrowed("independent")])),
    Some(Default::Word(Cow::Borrowed("top_down"))),
);

/// Number of portions.
pub(crate) const fn portions(default: i64) -> Parameter {
    parameter(
        "steps",
        "number of portions into which the layers with weights fall, and of models that are made",
        Kind::Integer { least: 1, most: 64 },
        Some(Default::Integer(default)),
    )
}

/// Whether signs count.
pub(crate) const ABS: Parameter =
    parameter("abs", "compare maps without their signs", Kind::Boolean, Some(Default::Boolean(true)));

impl Family for OtherModel {
    fn name(&self) -> &'static str {
        "othermodel"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[LAYERS, portions(5), ABS];
        ALL
    }

    fn axes(&self, parameters: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("model", parameters.integer("steps")? as usize), axis("number", NUMBERS.len())])
    }

    fn cost(&self, parameters: &Parameters, _: [usize; 3]) -> Cost {
        Cost { passes: 0, maps: parameters.integer("steps").map_or(0, |steps| steps as u64) }
    }

    fn models(&self, parameters: &Parameters) -> Vec<Option<Randomised>> {
        let order = match parameters.word("order") {
            Ok("bottom_up") => Order::BottomUp,
            Ok("independent") => Order::Independent,
            _ => Order::TopDown,
        };
        let steps = parameters.integer("steps").map_or(1, |steps| steps as usize);
        (1..=steps).map(|step| Some(Randomised { order, step, steps })).collect()
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let is_plain = parameters.boolean("abs")?;
        let values = |map: &[f32]| -> Vec<f64> {
            map.iter().map(|value| if is_plain { f64::from(value.abs()) } else { f64::from(*value) }).collect()
        };
        let (own, other) = (values(subject.map), values(&model.maps(subject.image, subject.predicted)?));
        let [spearman, cosine, ssim, _] = similarities(&own, &other, [subject.shape[1], subject.shape[2]], 10);
        let numbers = [spearman, cosine, ssim, histogram_entropy(&other), histogram_entropy(&own)];
        Ok(numbers.map(|number| number as f32).to_vec())
    }
}
