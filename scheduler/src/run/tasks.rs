//! Tasks of the core: the units of a plan with what they wait for, where they are at home, and how long they are forecast to take.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use fleet::Slot;
use plan::work::{KINDS, Kind, kind_of, waits};
use plan::{Batches, Plan};
use sweep::group::Group;
use sweep::unit::Unit;

use crate::core::Task;

/// Tasks of `plan` in the order of its units.
pub(crate) fn tasks(plan: &Plan, batches: &Batches) -> Vec<Task> {
    let names: Vec<Arc<str>> = plan.groups.iter().map(|planned| planned.group.name().into()).collect();
    let known = RefCell::new(HashMap::new());
    let seconds = |unit: &Unit| {
        let measured = || mean(&seconds(batches, &only(unit), &plan.slots));
        match unit.piece {
            None => {
                // Shards that lack the same variants share the keys of these variants.
                let shared = (Arc::as_ptr(&unit.group), unit.missing.as_ref().map(|missing| missing.as_ptr()));
                *known.borrow_mut().entry(shared).or_insert_with(measured)
            }
            Some(_) => measured(),
        }
    };
    of_units(&KINDS, &plan.units, &names, &seconds)
}

/// Tasks of `units`, whose groups have these names. `seconds` gives the time that an image takes with the variants of a
/// unit.
pub(crate) fn of_units(
    kinds: &[&dyn Kind],
    units: &[Unit],
    names: &[Arc<str>],
    seconds: &dyn Fn(&Unit) -> Option<f64>,
) -> Vec<Task> {
    let mut places = Places::of(names);
    let task = |(unit, after): (&Unit, Vec<u32>)| {
        let (kind, (group, home)) = (kind_of(kinds, unit)?, places.of_group(&unit.group)?);
        Some(Task {
            id: unit.id_in(&names[group]),
            group,
            after,
            bereft: kind.bereft(),
            home,
            forecast: kind.forecast(unit, seconds),
            maps: kind.maps(unit),
            first: kind.is_first(unit),
        })
    };
    units.iter().zip(waits(kinds, units)).filter_map(task).collect()
}

/// Whether the store of each group of `plan` is closed once all of its units are done.
pub(crate) fn closes(plan: &Plan) -> Vec<bool> {
    plan.groups.iter().map(|planned| !planned.complete).collect()
}

/// Time that a unit of each group takes on each device, as a multiple of the mean; `None` where the time was not measured.
pub(crate) fn relative_times(plan: &Plan, batches: &Batches) -> Vec<Vec<Option<f32>>> {
    plan.groups.iter().map(|planned| ratios(&seconds(batches, &planned.group, &plan.slots))).collect()
}

fn ratios(seconds: &[Option<f64>]) -> Vec<Option<f32>> {
    let mean = mean(seconds);
    seconds.iter().map(|seconds| Some((*seconds.as_ref()? / mean?) as f32)).collect()
}

/// Seconds that an image of `group` takes on each of `slots`. The profile is asked once for each kind of device.
fn seconds(batches: &Batches, group: &Group, slots: &[Slot]) -> Vec<Option<f64>> {
    let mut kinds: HashMap<&str, Option<f64>> = HashMap::new();
    slots.iter().map(|slot| *kinds.entry(&slot.model).or_insert_with(|| batches.seconds(group, slot))).collect()
}

/// Mean of the known values.
fn mean(seconds: &[Option<f64>]) -> Option<f64> {
    let known = seconds.iter().flatten();
    let count = known.clone().count();
    (count > 0).then(|| known.sum::<f64>() / count as f64)
}

/// Copy of the group of `unit`, with the variants alone that the unit has and the store lacks.
fn only(unit: &Unit) -> Group {
    let variants = unit.group.variants.iter().filter(|variant| unit.lacks(variant)).cloned().collect();
    Group { variants, ..unit.group.as_ref().clone() }
}

/// Seconds until all of `tasks` are done, if all maps are forecast. Each device takes the share of tasks that its speed
/// allows; a device that was not measured counts as the mean.
pub(crate) fn forecast(tasks: &[Task], relative_times: &[Vec<Option<f32>>]) -> Option<f64> {
    let devices: Vec<f64> = relative_times
        .iter()
        .map(|slots| slots.iter().map(|relative| 1.0 / f64::from(relative.unwrap_or(1.0))).sum())
        .collect();
    let shared = |task: &Task| Some(task.forecast? / devices[task.group]);
    let sum: Option<f64> = tasks.iter().filter(|task| task.maps > 0).map(shared).sum();
    sum.filter(|seconds| *seconds > 0.0 && seconds.is_finite())
}

/// Counter of groups and homes. A home is what a worker keeps from one unit to the next: a model and a file of images.
struct Places<'a> {
    by_name: HashMap<&'a str, usize>,
    by_content: HashMap<(String, PathBuf, PathBuf), u32>,
    /// Group of the last unit, with its index and its home: units of a group follow each other.
    last: Option<(Arc<Group>, (usize, u32))>,
}

impl<'a> Places<'a> {
    fn of(names: &'a [Arc<str>]) -> Self {
        let by_name = names.iter().zip(0..).map(|(name, index)| (name.as_ref(), index)).collect();
        Self { by_name, by_content: HashMap::new(), last: None }
    }

    /// Index of `group` and its home.
    fn of_group(&mut self, group: &Arc<Group>) -> Option<(usize, u32)> {
        if let Some((last, place)) = &self.last
            && Arc::ptr_eq(last, group)
        {
            return Some(*place);
        }
        let (model, weights, images) = group.home();
        let content = (model.to_owned(), weights.to_owned(), images.to_owned());
        let next = self.by_content.len() as u32;
        let home = *self.by_content.entry(content).or_insert(next);
        let place = (*self.by_name.get(group.name().as_str())?, home);
        self.last = Some((Arc::clone(group), place));
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_time_is_a_share_of_the_mean_and_unknown_where_nothing_was_measured() {
        assert_eq!(ratios(&[Some(1.0), Some(3.0), None]), [Some(0.5), Some(1.5), None]);
        assert_eq!(ratios(&[None, None]), [None, None]);
    }
}
