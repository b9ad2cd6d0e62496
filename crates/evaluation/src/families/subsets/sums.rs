//! Sums: the sum of a map over the random subsets whose changes [`Changes`](super::changes::Changes) measures. The model is not asked.

use sweep::evaluation::Axis;
use sweep::parameters::{Parameter, ParameterError, Parameters};

use super::{CHANCE, CUT, GRID, RUNS, SIZE, SQUARE, Subsets};
use crate::families::family::{Family, axis};
use crate::subject::{MeasureError, Model, Subject};

/// Family of sums over subsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums;

/// Sums over one subset: of the map, of the map without signs, and of the map times the image.
const KINDS: usize = 3;

impl Family for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[RUNS, SIZE, GRID, CHANCE, SQUARE, CUT];
        ALL
    }

    fn axes(&self, parameters: &Parameters, shape: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        Ok(vec![axis("run", Subsets::of(parameters, shape)?.runs), axis("sum", KINDS)])
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        _: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let subsets = Subsets::of(parameters, subject.shape)?;
        Ok(sums(subject, (0..subsets.runs).map(|run| subsets.draw(subject.draw, run))))
    }
}

/// Sums over each of `subsets`.
pub(in crate::families) fn sums(subject: &Subject<'_>, subsets: impl Iterator<Item = Vec<bool>>) -> Vec<f32> {
    let of = |subset: Vec<bool>| {
        let mut sums = [0.0_f64; KINDS];
        let values = subset.iter().zip(subject.map.iter().zip(subject.image));
        for (_, (map, image)) in values.filter(|(inside, _)| **inside) {
            let (map, image) = (f64::from(*map), f64::from(*image));
            sums[0] += map;
            sums[1] += map.abs();
            sums[2] += map * image;
        }
        sums.map(|sum| sum as f32)
    };
    subsets.flat_map(of).collect()
}
