//! What the core is to have done: the units of a plan with their forecasts.

use std::collections::HashMap;

use plan::{Batches, Plan};
use sweep::group::Group;
use sweep::unit::{Part, Piece, Unit};

use crate::core::Task;

/// Units with the index of their group.
pub(crate) fn units(plan: &Plan, batches: &Batches) -> Vec<Task> {
    // Devices of several kinds are forecast as the first of them.
    let seconds = |group: &Group| plan.slots.first().and_then(|slot| batches.seconds(group, slot));
    let groups = plan.groups.iter().enumerate();
    let index: HashMap<String, (usize, Option<f64>)> =
        groups.map(|(index, planned)| (planned.group.name(), (index, seconds(&planned.group)))).collect();
    let task = |unit: &Unit| {
        let (group, whole) = index[&unit.group.name()];
        let seconds = match &unit.piece {
            None => whole,
            // Nobody measures forward passes alone.
            Some(Piece::Predictions) => None,
            Some(Piece::Pass | Piece::Variant(_)) => seconds(&only(unit)),
        };
        Task { group, unit: unit.clone(), forecast: seconds.map(|seconds| seconds * unit.images() as f64) }
    };
    plan.units.iter().map(task).collect()
}

/// The group of `unit` with the variants of the unit alone.
fn only(unit: &Unit) -> Group {
    let variants = unit.group.variants.iter().filter(|variant| unit.has(variant)).cloned().collect();
    Group { variants, ..unit.group.as_ref().clone() }
}

/// Seconds until all of `units` are done, if all maps are forecast.
pub(crate) fn forecast(units: &[Task], devices: usize) -> Option<f64> {
    let sum: Option<f64> = units.iter().filter(|task| task.unit.maps() > 0).map(|task| task.forecast).sum();
    sum.filter(|seconds| *seconds > 0.0).map(|seconds| seconds / devices.max(1) as f64)
}

/// The means of every group that is not complete.
pub(crate) fn means(plan: &Plan) -> Vec<Option<Unit>> {
    let unit = |planned: &plan::Planned| Unit::of(planned.group.clone(), Part::Means);
    plan.groups.iter().map(|planned| (!planned.complete).then(|| unit(planned))).collect()
}
