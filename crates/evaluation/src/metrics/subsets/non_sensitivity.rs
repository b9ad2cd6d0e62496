//! Non-sensitivity: parts of which either the map or the model says that they do not matter, and not both.

use sweep::evaluation::Direction;

use super::reading::{CUT, SIDE, of_subsets};
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, score_that_falls};

/// Share of the largest value, and change of the probability, below which a part does not matter.
const EPSILON: f64 = 1e-2;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "NonSensitivity",
    summary: "number of patches, or values, of which exactly one of map and model says that they matter by a hundredth",
    reference: "Nguyen and Martinez 2020, https://arxiv.org/abs/2007.07584",
    direction: Direction::Lower,
    parameters: &[CUT, SIDE, baseline("image_min"), TARGET, score_that_falls("probability")],
    build: |parameters| of_subsets(parameters, 0, number),
};

fn number(sums: &[f64], falls: &[f64]) -> f64 {
    let most = sums.iter().map(|sum| sum.abs()).fold(0.0, f64::max);
    let differ = |(sum, fall): &(&f64, &f64)| (sum.abs() / most < EPSILON) != (fall.abs() < EPSILON);
    if most > 0.0 { sums.iter().zip(falls).filter(differ).count() as f64 } else { f64::NAN }
}
