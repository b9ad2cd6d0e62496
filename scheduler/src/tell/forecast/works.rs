//! Work of a sweep as forecasts see it.

use std::collections::HashMap;
use std::sync::Arc;

use plan::Plan;
use sweep::unit::Unit;

use super::work::Work;
use crate::core::Task;

/// Units of `plan`, whose tasks are `tasks`, with the class of each: units of one kind of work cost the same for each map where they have the
/// same home and the same variants to do.
pub(crate) fn works(plan: &Plan, tasks: &[Task]) -> Vec<Work> {
    let mut classes = HashMap::new();
    let work = |(unit, task): (&Unit, &Task)| {
        let piece = unit.piece.as_ref().map(|piece| format!("{piece:?}"));
        let missing = unit.missing.as_ref().map(Arc::clone);
        let next = classes.len();
        let class = *classes.entry((task.home, unit.kind.clone(), piece, missing)).or_insert(next);
        let makes_maps = task.maps > 0;
        let size = if makes_maps { task.maps } else { unit.images().max(1) } as f64;
        Work { unit: task.id.clone(), class, size, makes_maps, profiled: task.forecast }
    };
    plan.units.iter().zip(tasks).map(work).collect()
}
