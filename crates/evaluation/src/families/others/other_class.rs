//! Other class: similarity of the map with the map of the same image for another class.

use rand::RngExt;
use sweep::evaluation::Axis;
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use sweep::seed::Draw;

use crate::families::family::{Cost, Family, axis};
use crate::numbers::{norm, spearman};
use crate::parameters::parameter;
use crate::subject::{MeasureError, Model, Subject};

/// Family of maps for another class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherClass;

/// Number of the similarities that are measured, the first ones of [`SIMILARITIES`](super::similarity::SIMILARITIES).
const MEASURED: usize = 2;

impl Family for OtherClass {
    fn name(&self) -> &'static str {
        "otherclass"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[CLASS];
        ALL
    }

    fn axes(&self, _: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("similarity", MEASURED)])
    }

    fn cost(&self, _: &Parameters, _: [usize; 3]) -> Cost {
        Cost { passes: 0, maps: 1 }
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let Some(other) = other(parameters.word("class")?, subject) else {
            return Ok(vec![f32::NAN; MEASURED]);
        };
        let map: Vec<f64> = model.maps(subject.image, other)?.iter().map(|value| f64::from(*value)).collect();
        let own: Vec<f64> = subject.map.iter().map(|value| f64::from(*value)).collect();
        let product: f64 = own.iter().zip(&map).map(|(a, b)| a * b).sum();
        let cosine = product / (norm(own.iter().copied()) * norm(map.iter().copied()));
        Ok(vec![spearman(&own, &map) as f32, cosine as f32])
    }
}

/// Choice of the other class.
pub(crate) const CLASS: Parameter = {
    use std::borrow::Cow::Borrowed;
    parameter(
        "class",
        "other class: drawn by chance, the next one by its index, or the second best",
        Kind::Word(Borrowed(&[Borrowed("random"), Borrowed("next"), Borrowed("second")])),
        Some(Default::Word(Borrowed("random"))),
    )
};

/// The other class; `None` for a model that has one class.
fn other(word: &str, subject: &Subject<'_>) -> Option<usize> {
    // One logit stands for two classes.
    let classes = if subject.logits.len() == 1 { 2 } else { subject.logits.len() };
    let own = subject.predicted;
    let others = (0..classes).filter(|class| *class != own);
    match word {
        "next" => (classes > 1).then(|| (own + 1) % classes),
        "second" if subject.logits.len() > 1 => {
            others.reduce(|best, class| if subject.logits[class] > subject.logits[best] { class } else { best })
        }
        _ => {
            let mut random = Draw { purpose: "other class", draw: 0, ..subject.draw }.generator();
            let others: Vec<usize> = others.collect();
            (!others.is_empty()).then(|| others[random.random_range(0..others.len())])
        }
    }
}
