//! Again: maps of noisy copies of an image, for the class of the image itself, compared with the map of the image.

use std::borrow::Cow;

use rand_distr::{Distribution, Normal, Uniform};
use sweep::evaluation::Axis;
use sweep::parameters::{Default, Parameter, ParameterError, Parameters};
use sweep::seed::Draw;

use super::family::{Cost, Family, MOST_VALUES, axis};
use crate::numbers::norm;
use crate::outcome::predicted;
use crate::parameters::{MOST_COPIES, NORMALISE, SAMPLES, high, low, std};
use crate::subject::{Failed, MeasureError, Model, Subject, logits};

/// Family of maps that are made again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again;

/// Numbers of one noisy copy, in their order. `relative` is of the change divided by the value, value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Norm of the change of the map.
    Map,
    /// Norm of the map of the image itself.
    Whole,
    /// Norm of the relative change of the map.
    RelativeMap,
    /// Norm of the change of the image.
    Image,
    /// Norm of the relative change of the image.
    RelativeImage,
    /// Norm of the change of the logits.
    Logits,
    /// 1 where the predicted class is that of the image, else 0.
    SameClass,
}

/// Number of quantities.
pub(crate) const QUANTITIES: usize = Quantity::SameClass as usize + 1;

/// Value in place of a divisor that is exactly 0.
const EPSILON: f64 = 1e-6;

// A measurement may have so many values.
const _: () = assert!(MOST_COPIES as u64 * QUANTITIES as u64 <= MOST_VALUES);

impl Family for Again {
    fn name(&self) -> &'static str {
        "again"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[SAMPLES, std(Some(Default::Absent)), low(-0.2), high(0.2), NORMALISE];
        ALL
    }

    fn axes(&self, parameters: &Parameters, _: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        noise(parameters)?;
        Ok(vec![axis("draw", parameters.integer("samples")? as usize), axis("quantity", QUANTITIES)])
    }

    fn cost(&self, parameters: &Parameters, _: [usize; 3]) -> Cost {
        let samples = parameters.integer("samples").map_or(0, |samples| samples as u64);
        Cost { passes: samples, maps: samples }
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let (samples, noise) = (parameters.integer("samples")?, noise(parameters)?);
        let copy = |number: i64| {
            // The kind of noise is no part of the name: draws of 0.1 are those of 0.2, halved.
            let mut random = Draw { purpose: "evaluation noise", draw: number as u64, ..subject.draw }.generator();
            subject.image.iter().map(|value| value + noise.sample(&mut random) as f32).collect()
        };
        let is_scaled = parameters.get("normalise").is_some();
        let (rows, mut values) = (model.rows().max(1), Vec::new());
        // As many copies as the model takes at once are in memory.
        for first in (0..samples).step_by(rows) {
            let copies: Vec<Vec<f32>> = (first..samples.min(first + rows as i64)).map(copy).collect();
            values.extend(compared(subject, &copies, is_scaled, model)?);
        }
        Ok(values)
    }
}

/// Noise of one value.
enum Noise {
    Normal(Normal<f64>),
    Uniform(Uniform<f64>),
}

impl Noise {
    fn sample(&self, random: &mut impl rand::Rng) -> f64 {
        match self {
            Self::Normal(normal) => normal.sample(random),
            Self::Uniform(uniform) => uniform.sample(random),
        }
    }
}

fn noise(parameters: &Parameters) -> Result<Noise, ParameterError> {
    if parameters.get("std").is_some() {
        let normal = Normal::new(0.0, parameters.number("std")?);
        return normal.map(Noise::Normal).map_err(|_| parameters.unfit("std", "0 or more"));
    }
    let uniform = Uniform::new_inclusive(parameters.number("low")?, parameters.number("high")?);
    uniform.map(Noise::Uniform).map_err(|_| parameters.unfit("low", "no more than `high`"))
}

/// Compares the maps of `copies` with the map of the image, each divided by the root of the mean of its squares if `is_scaled`.
pub(super) fn compared(
    subject: &Subject<'_>,
    copies: &[Vec<f32>],
    is_scaled: bool,
    model: &mut dyn Model,
) -> Result<Vec<f32>, Failed> {
    let own = if is_scaled { scaled(subject.map) } else { subject.map.to_vec() };
    let subject = &Subject { map: &own, ..*subject };
    let found = logits(model, copies.iter().cloned())?;
    let mut values = Vec::new();
    for (copies, logits) in copies.chunks(model.rows()).zip(found.chunks(model.rows())) {
        let maps = model.maps(&copies.concat(), subject.predicted)?;
        for ((copy, map), logits) in copies.iter().zip(maps.chunks(subject.size().max(1))).zip(logits) {
            let map = if is_scaled { Cow::Owned(scaled(map)) } else { Cow::Borrowed(map) };
            values.extend(quantities(subject, copy, &map, logits).map(|number| number as f32));
        }
    }
    Ok(values)
}

/// Map divided by the root of the mean of its squares; of a map of zeros nothing is known.
fn scaled(map: &[f32]) -> Vec<f32> {
    let size = norm(map.iter().map(|value| f64::from(*value))) / (map.len() as f64).sqrt();
    map.iter().map(|value| (f64::from(*value) / size) as f32).collect()
}

fn quantities(subject: &Subject<'_>, copy: &[f32], map: &[f32], logits: &[f32]) -> [f64; QUANTITIES] {
    let change = |from: &[f32], to: &[f32]| norm(from.iter().zip(to).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let relative = |from: &[f32], to: &[f32]| {
        let of = |(a, b): (&f32, &f32)| {
            let (a, b) = (f64::from(*a), f64::from(*b));
            (a - b) / if a == 0.0 { EPSILON } else { a }
        };
        norm(from.iter().zip(to).map(of))
    };
    [
        change(subject.map, map),
        norm(subject.map.iter().map(|value| f64::from(*value))),
        relative(subject.map, map),
        change(subject.image, copy),
        relative(subject.image, copy),
        change(subject.logits, logits),
        f64::from(u8::from(predicted(logits) == predicted(subject.logits))),
    ]
}
