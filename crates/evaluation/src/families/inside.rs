//! Inside: numbers of the map and of the mask of an object. The model is not asked.

use sweep::evaluation::Axis;
use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};

use super::family::{Family, axis};
use crate::numbers::{average_precision, mean, ranks};
use crate::parameters::{channels, parameter};
use crate::parts::{Channels, Parts};
use crate::subject::{MeasureError, Model, Subject};

/// Family of numbers of masks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inside;

/// Numbers of a map and a mask, in their order.
pub(crate) const OF_OBJECT: [&str; 13] = [
    "pointing",
    "positive",
    "signed",
    "abs",
    "rank",
    "top",
    "auc",
    "area",
    "accuracy",
    "background",
    "object",
    "precision",
    "f1",
];

/// Name of the parameter that tells masks apart.
pub(crate) const MASKS: &str = "masks";

/// Number of the largest pixels.
pub(crate) const TOP_PIXELS: Parameter = parameter(
    "k",
    "number of the largest pixels of which the share inside the mask is measured",
    Kind::Integer { least: 1, most: 1 << 20 },
    Some(Default::Integer(1000)),
);

impl Family for Inside {
    fn name(&self) -> &'static str {
        "inside"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] =
            &[channels("sum"), TOP_PIXELS, parameter(MASKS, "digest of the masks", Kind::Digest, None)];
        ALL
    }

    fn axes(&self, parameters: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        if parameters.word("channels")? == "each" {
            return Err(parameters.unfit("channels", "a word that makes one number of a pixel, as a mask has it"));
        }
        Ok(vec![axis("quantity", OF_OBJECT.len())])
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        _: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let map = Channels::of(parameters.word("channels")?).reduced(subject.map, subject.shape);
        let k = parameters.integer("k")? as usize;
        let known = subject.mask.filter(|mask| mask.contains(&true) && map.iter().all(|value| value.is_finite()));
        let numbers = known.map_or([f64::NAN; OF_OBJECT.len()], |mask| numbers(&map, mask, k));
        Ok(numbers.map(|number| number as f32).to_vec())
    }
}

/// Numbers of `map` and of a `mask` that is not empty.
fn numbers(map: &[f64], mask: &[bool], k: usize) -> [f64; OF_OBJECT.len()] {
    let object = mask.iter().filter(|inside| **inside).count();
    let largest = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Any of several largest pixels counts.
    let points = map.iter().zip(mask).any(|(value, inside)| *value == largest && *inside);
    let share = |part: fn(f64) -> f64| {
        let sum: f64 = map.iter().map(|value| part(*value)).sum();
        let inside: f64 = map.iter().zip(mask).filter(|(_, inside)| **inside).map(|(value, _)| part(*value)).sum();
        if sum == 0.0 { f64::NAN } else { inside / sum }
    };
    let order = Parts::values([1, 1, map.len()]).ranks(map);
    let among = |first: usize| {
        let first = first.min(map.len());
        let inside = order.iter().zip(mask).filter(|(rank, inside)| (**rank as usize) < first && **inside).count();
        inside as f64 / first as f64
    };
    let [accuracy, background, foreground, precision, f1] = segmented(map, mask);
    [
        f64::from(u8::from(points)),
        share(|value| value.max(0.0)),
        share(|value| value),
        share(f64::abs),
        among(object),
        // All pixels are the largest ones of a map that has fewer: their share says nothing of the map.
        if k > map.len() { f64::NAN } else { among(k) },
        ranked_above(map, mask, object),
        object as f64 / map.len() as f64,
        accuracy,
        background,
        foreground,
        precision,
        f1,
    ]
}

/// Probability that a pixel of the object is above one outside of it, equal ones half (area under the ROC curve).
fn ranked_above(map: &[f64], mask: &[bool], object: usize) -> f64 {
    let outside = map.len() - object;
    if outside == 0 {
        return f64::NAN;
    }
    let sum: f64 = ranks(map).iter().zip(mask).filter(|(_, inside)| **inside).map(|(rank, _)| rank).sum();
    // Ranks begin with 0: those of the object alone sum to object (object - 1) / 2.
    (sum - (object * (object - 1)) as f64 / 2.0) / (object * outside) as f64
}

/// The map as a segmentation: pixels above the mean of the map, scaled to 0 to 1, are the object. Share of pixels that are right, `IoU` of
/// background and object, average precision over both classes, F1 of the object. A constant map segments nothing.
fn segmented(map: &[f64], mask: &[bool]) -> [f64; 5] {
    let (least, most) = map.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    if least >= most {
        return [f64::NAN; 5];
    }
    let scaled: Vec<f64> = map.iter().map(|value| (value - least) / (most - least)).collect();
    let middle = mean(&scaled);
    let count = |marked: bool, inside: bool| {
        scaled.iter().zip(mask).filter(|(value, is)| (**value > middle) == marked && **is == inside).count() as f64
    };
    let (right, missed, wrong, left) = (count(true, true), count(false, true), count(true, false), count(false, false));
    // Both classes: the object by the map, the background by what is left of 1. Scores that are equal but for rounding are one step: so in
    // single precision, which is what maps have at best.
    let of_both =
        scaled.iter().zip(mask).flat_map(|(value, inside)| [((1.0 - value) as f32, !inside), (*value as f32, *inside)]);
    [
        (right + left) / map.len() as f64,
        left / (left + missed + wrong),
        right / (right + missed + wrong),
        average_precision(of_both.collect()),
        2.0 * right / (2.0 * right + missed + wrong),
    ]
}
