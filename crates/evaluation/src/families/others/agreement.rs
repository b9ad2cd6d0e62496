//! Agreement: similarity of the map with another map of the same image in the store. The model is not asked.

use sweep::evaluation::Axis;
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};

use super::similarity::{SIMILARITIES, similarities};
use crate::families::family::{Family, axis};
use crate::parameters::{channels, parameter};
use crate::parts::Channels;
use crate::subject::{MeasureError, Model, Subject};

/// Family of similarities between methods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreement;

/// The other map.
pub(crate) const WITH: Parameter = parameter("with", "key of the map that is compared with each map", Kind::Map, None);

/// Share of the largest values.
pub(crate) const TOP: Parameter = parameter(
    "top",
    "percentage of the largest values that `jaccard` compares",
    Kind::Integer { least: 1, most: 100 },
    Some(Default::Integer(10)),
);

impl Family for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[WITH, channels("each"), TOP];
        ALL
    }

    fn axes(&self, _: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("similarity", SIMILARITIES.len())])
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let channels = Channels::of(parameters.word("channels")?);
        let other = model.stored(parameters.word("with")?)?;
        let [one, other] = [subject.map, other.as_slice()].map(|map| channels.reduced(map, subject.shape));
        let plane = [subject.shape[1], subject.shape[2]];
        let found = similarities(&one, &other, plane, parameters.integer("top")? as usize);
        Ok(found.map(|number| number as f32).to_vec())
    }
}
