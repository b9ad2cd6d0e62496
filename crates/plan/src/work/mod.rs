//! Kinds of work: the units of each kind, what a unit waits for, and how long a unit is forecast to take.
//!
//! A kind is one file of this folder and one line of [`KINDS`]; the worker has a list of its own, with what carries a unit
//! out. The scheduler schedules units of any kind and knows none by name.

mod attribute;
mod evaluate;
mod group_means;
mod kind;
mod siblings;
mod splitting;

use sweep::unit::{Part, Unit};

pub use attribute::Attribute;
pub use evaluate::Evaluate;
pub use group_means::GroupMeans;
pub use kind::{Kind, Lacking, Repeated, Seconds};
pub use siblings::Siblings;
pub use splitting::Split;

/// Work of `unit` in maps, and 0 for a unit of no kind.
pub fn maps(unit: &Unit) -> u64 {
    kind_of(&KINDS, unit).map_or(0, |kind| kind.maps(unit))
}

/// List of all kinds of work. A kind may wait for the kinds above it.
pub const KINDS: [&dyn Kind; 3] = [&Attribute, &Evaluate, &GroupMeans];

/// Finds the kind of `unit` in the list `kinds`.
pub fn kind_of<'a>(kinds: &[&'a dyn Kind], unit: &Unit) -> Option<&'a dyn Kind> {
    kinds.iter().copied().find(|kind| kind.name() == unit.kind)
}

/// Gives for each of `units` the units that must be done before it, by their index.
pub fn waits(kinds: &[&dyn Kind], units: &[Unit]) -> Vec<Vec<u32>> {
    let mut after = vec![Vec::new(); units.len()];
    for siblings in Siblings::by_group(units) {
        for (index, unit) in siblings.all() {
            after[index as usize] = kind_of(kinds, unit).map(|kind| kind.after(unit, &siblings)).unwrap_or_default();
        }
    }
    after
}

/// Number of `units` that work on a shard: a sweep counts these as its units.
pub fn of_shards(units: &[Unit]) -> usize {
    units.iter().filter(|unit| matches!(unit.part, Part::Shard(_))).count()
}

#[cfg(test)]
mod tests;
