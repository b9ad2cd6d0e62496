//! Changes: how far scores fall where random subsets of an image are removed. No map is looked at: all methods share them.

use sweep::evaluation::Axis;
use sweep::parameters::{Parameter, ParameterError, Parameters};

use super::{CHANCE, CUT, GRID, RUNS, SIZE, SQUARE, Subsets};
use crate::families::family::{Cost, Family, axis};
use crate::fill::Fill;
use crate::outcome::Outcome;
use crate::parameters::{TARGET, baseline};
use crate::subject::{MeasureError, Model, Subject, logits};

/// Family of changes by subsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes;

/// Falls of one subset: of the probability, and of the logit.
const FALLS: usize = 2;

impl Family for Changes {
    fn name(&self) -> &'static str {
        "changes"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[RUNS, SIZE, GRID, CHANCE, SQUARE, CUT, baseline("image_min"), TARGET];
        ALL
    }

    fn sees_map(&self) -> bool {
        false
    }

    fn axes(&self, parameters: &Parameters, shape: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("run", Subsets::of(parameters, shape)?.runs), axis("fall", FALLS)])
    }

    fn cost(&self, parameters: &Parameters, shape: [usize; 3]) -> Cost {
        Cost { passes: Subsets::of(parameters, shape).map_or(0, |subsets| subsets.runs as u64), maps: 0 }
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let subsets = Subsets::of(parameters, subject.shape)?;
        let fill = Fill::of(parameters.value("baseline")?);
        let target = subject.target(parameters.word("target")?);
        Ok(falls(subject, (fill, target), (0..subsets.runs).map(|run| subsets.draw(subject.draw, run)), model)?)
    }
}

/// Falls by each of `subsets`.
pub(in crate::families) fn falls(
    subject: &Subject<'_>,
    (fill, target): (Fill, Option<usize>),
    subsets: impl Iterator<Item = Vec<bool>>,
    model: &mut dyn Model,
) -> Result<Vec<f32>, crate::Failed> {
    let filling = fill.prepare(subject.image, subject.shape);
    let found = logits(model, subsets.map(|subset| filling.without(&subset)))?;
    let outcome = |logits: &[f32]| Outcome::of(logits, target?);
    let whole = outcome(subject.logits);
    let difference = |logits: Vec<f32>| match (whole, outcome(&logits)) {
        (Some(whole), Some(left)) => [(whole.probability - left.probability) as f32, (whole.logit - left.logit) as f32],
        _ => [f32::NAN; FALLS],
    };
    Ok(found.into_iter().flat_map(difference).collect())
}
