//! What the core is to have done: the units of a plan with their forecasts.

use std::collections::HashMap;

use fleet::Slot;
use plan::{Batches, Plan};
use sweep::group::Group;
use sweep::unit::{Part, Piece, Unit};

use crate::core::Task;

/// Units with the index of their group, and a forecast that is the mean of those of all devices.
pub(crate) fn units(plan: &Plan, batches: &Batches) -> Vec<Task> {
    let mean = |group: &Group| mean(&seconds(batches, group, &plan.slots));
    let groups = plan.groups.iter().enumerate();
    let index: HashMap<String, (usize, Option<f64>)> =
        groups.map(|(index, planned)| (planned.group.name(), (index, mean(&planned.group)))).collect();
    let task = |unit: &Unit| {
        let (group, whole) = index[&unit.group.name()];
        let seconds = match &unit.piece {
            None => whole,
            // Nobody measures forward passes alone.
            Some(Piece::Predictions) => None,
            Some(Piece::Pass | Piece::Variant(_)) => mean(&only(unit)),
        };
        Task { group, unit: unit.clone(), forecast: seconds.map(|seconds| seconds * unit.images() as f64) }
    };
    plan.units.iter().map(task).collect()
}

/// For each group and device how many times as long as the mean it takes there; nothing where that was not measured.
pub(crate) fn paces(plan: &Plan, batches: &Batches) -> Vec<Vec<Option<f32>>> {
    plan.groups.iter().map(|planned| ratios(&seconds(batches, &planned.group, &plan.slots))).collect()
}

fn ratios(seconds: &[Option<f64>]) -> Vec<Option<f32>> {
    let mean = mean(seconds);
    seconds.iter().map(|seconds| Some((*seconds.as_ref()? / mean?) as f32)).collect()
}

/// Seconds that an image of `group` takes on each of `slots`. Those of a kind are asked for once.
fn seconds(batches: &Batches, group: &Group, slots: &[Slot]) -> Vec<Option<f64>> {
    let mut kinds: HashMap<&str, Option<f64>> = HashMap::new();
    slots.iter().map(|slot| *kinds.entry(&slot.model).or_insert_with(|| batches.seconds(group, slot))).collect()
}

/// The mean of what is known.
fn mean(seconds: &[Option<f64>]) -> Option<f64> {
    let known = seconds.iter().flatten();
    let count = known.clone().count();
    (count > 0).then(|| known.sum::<f64>() / count as f64)
}

/// The group of `unit` with the variants of the unit alone.
fn only(unit: &Unit) -> Group {
    let variants = unit.group.variants.iter().filter(|variant| unit.has(variant)).cloned().collect();
    Group { variants, ..unit.group.as_ref().clone() }
}

/// Seconds until all of `units` are done, if all maps are forecast: each device takes as many of them as its pace allows. Of
/// one that was not measured nothing better is known than the mean.
pub(crate) fn forecast(units: &[Task], paces: &[Vec<Option<f32>>]) -> Option<f64> {
    let devices: Vec<f64> =
        paces.iter().map(|slots| slots.iter().map(|pace| 1.0 / f64::from(pace.unwrap_or(1.0))).sum()).collect();
    let shared = |task: &Task| Some(task.forecast? / devices[task.group]);
    let sum: Option<f64> = units.iter().filter(|task| task.unit.maps() > 0).map(shared).sum();
    sum.filter(|seconds| *seconds > 0.0 && seconds.is_finite())
}

/// The means of every group that is not complete.
pub(crate) fn means(plan: &Plan) -> Vec<Option<Unit>> {
    let unit = |planned: &plan::Planned| Unit::of(planned.group.clone(), Part::Means);
    plan.groups.iter().map(|planned| (!planned.complete).then(|| unit(planned))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_share_of_the_mean_and_unknown_where_nothing_was_measured() {
        assert_eq!(ratios(&[Some(1.0), Some(3.0), None]), [Some(0.5), Some(1.5), None]);
        assert_eq!(ratios(&[None, None]), [None, None]);
    }
}
