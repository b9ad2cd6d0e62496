//! Completeness: do the values of a map sum to what the model loses with the whole image?

use std::borrow::Cow;

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::of_subsets;
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, cut, parameter, score_that_falls};

const CUT: Parameter = cut(&[Cow::Borrowed("whole")]);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Completeness",
    summary: "distance of the sum of the map from the fall of the logit where nothing of the image is left; with `share` as a share of \
              that fall",
    reference: "Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365",
    direction: Direction::Lower,
    parameters: &[
        parameter("share", "divide the distance by the size of the fall", Kind::Boolean, Some(Default::Boolean(false))),
        CUT,
        baseline("zero"),
        TARGET,
        score_that_falls("logit"),
    ],
    build: |parameters| of_subsets(parameters, 0, if parameters.boolean("share")? { share } else { distance }),
};

fn distance(sums: &[f64], falls: &[f64]) -> f64 {
    (sums[0] - falls[0]).abs()
}

fn share(sums: &[f64], falls: &[f64]) -> f64 {
    if falls[0] == 0.0 { f64::NAN } else { distance(sums, falls) / falls[0].abs() }
}
