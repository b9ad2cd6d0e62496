//! Metrics of perturbation curves: patches are removed one at a time, in one order or in both.

use sweep::parameters::{Default, Parameter};

use crate::parameters::{ONE_ORDER, TARGET, baseline, channels, most, patch_size, score};

pub(in crate::metrics) mod abpc;
pub(in crate::metrics) mod region_perturbation;

/// Parameters of a curve in one order; those behind the first one are those of both orders.
const OF_ONE_ORDER: &[Parameter] = &[
    ONE_ORDER,
    patch_size(8),
    most(Some(Default::Integer(100))),
    baseline("image_min"),
    channels("sum"),
    TARGET,
    score("probability"),
];
