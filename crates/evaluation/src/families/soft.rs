//! Soft: what the model says of an image that is faded by its map, and by what is left of 1.

use sweep::evaluation::Axis;
use sweep::parameters::{Parameter, ParameterError, Parameters};

use super::family::{Cost, Family, axis};
use crate::fill::Fill;
use crate::outcome::Outcome;
use crate::parameters::{TARGET, baseline, channels};
use crate::parts::Channels;
use crate::subject::{MeasureError, Model, Subject, logits};

/// Family of faded images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Soft;

/// The whole image, the image times the mask, and the image times 1 minus the mask.
const POINTS: usize = 3;

impl Family for Soft {
    fn name(&self) -> &'static str {
        "soft"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[channels("sum"), baseline("zero"), TARGET];
        ALL
    }

    fn axes(&self, _: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("point", POINTS), axis("value", 3)])
    }

    fn cost(&self, _: &Parameters, _: [usize; 3]) -> Cost {
        Cost { passes: POINTS as u64 - 1, maps: 0 }
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let ranking = Channels::of(parameters.word("channels")?).reduced(subject.map, subject.shape);
        let target = subject.target(parameters.word("target")?);
        let all = vec![true; subject.size()];
        let away = Fill::of(parameters.value("baseline")?).prepare(subject.image, subject.shape).without(&all);
        let (least, most) =
            ranking.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| (a.min(*value), b.max(*value)));
        let faded = |turned: bool| {
            let values = subject.image.iter().zip(&away).zip(ranking.iter().cycle());
            let of = |((image, away), value): ((&f32, &f32), &f64)| {
                let mask = (value - least) / (most - least);
                let mask = if turned { 1.0 - mask } else { mask };
                (f64::from(*away) + (f64::from(*image) - f64::from(*away)) * mask) as f32
            };
            values.map(of).collect::<Vec<f32>>()
        };
        let found = logits(model, [false, true].into_iter().map(faded))?;
        // The mask of a constant map is undefined.
        let outcome = |logits: &[f32]| if least < most { Outcome::of(logits, target?) } else { None };
        let points = std::iter::once(subject.logits).chain(found.iter().map(Vec::as_slice));
        Ok(points.flat_map(|logits| Outcome::values(outcome(logits))).collect())
    }
}
