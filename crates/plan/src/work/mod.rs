//! Kinds of work: what units there are of each, what a unit waits for, and how long a unit is forecast to take.
//!
//! A kind is one file of this folder and one line of [`KINDS`]; a worker that carries its units out has a list of its own. The
//! scheduler schedules units of any kind and knows none by name.

mod attribute;
mod group_means;
mod siblings;
mod splitting;

use std::fmt::Debug;
use std::sync::Arc;

use store::Ledger;
use sweep::group::Group;
use sweep::unit::{Part, Unit};

pub use attribute::Attribute;
pub use group_means::GroupMeans;
pub use siblings::Siblings;
pub use splitting::Split;

/// Every kind of work. A kind may wait for the kinds above it.
pub const KINDS: [&dyn Kind; 2] = [&Attribute, &GroupMeans];

/// What doing a unit twice gives, which happens whenever a worker is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// The same bytes: whichever attempt writes last, nothing changes.
    SameBytes,
    /// Another result. A checkpoint that exists wins, and an attempt goes on from the checkpoint of the one before.
    Resumes,
}

/// A group whose store may lack something.
#[derive(Clone, Copy, Debug)]
pub struct Lacking<'a> {
    /// The group.
    pub group: &'a Arc<Group>,
    /// Index of the group in its sweep.
    pub index: usize,
    /// What the store of the group has.
    pub ledger: &'a Ledger,
    /// Shards of the sweep that are split into pieces.
    pub split: &'a Split,
    /// Whether the store is complete, and the kinds above this one have nothing to do.
    pub complete: bool,
}

/// Seconds that an image takes with the variants of a unit, on the mean of all devices, where that was measured.
pub type Seconds<'a> = &'a dyn Fn(&Unit) -> Option<f64>;

/// A kind of work.
pub trait Kind: Debug + Sync {
    /// Name of the kind in messages and in the names of units: begins with a letter, and has neither `/`, `.` nor `:`.
    fn name(&self) -> &'static str;

    /// What doing a unit twice gives.
    fn repeated(&self) -> Repeated;

    /// Units that write what the store of a group lacks, in the order of the images: what the kind writes, and how its work is
    /// split.
    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit>;

    /// Units of the same group that must be done before `unit`, by their index.
    fn after(&self, unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32>;

    /// Reason for which a unit is given up together with a unit that it waits for.
    fn bereft(&self) -> &'static str;

    /// Attribution maps that `unit` writes: progress is counted in maps, and what is not forecast is taken to cost as much.
    fn maps(&self, _unit: &Unit) -> u64 {
        0
    }

    /// Seconds that `unit` is forecast to take.
    fn forecast(&self, _unit: &Unit, _seconds: Seconds<'_>) -> Option<f64> {
        None
    }

    /// Whether `unit` is granted before longer ones: others wait for it, or it completes a group.
    fn is_first(&self, _unit: &Unit) -> bool {
        false
    }
}

/// The kind of `unit` in the list `kinds`.
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

/// Number of `units` that work on a shard: what a sweep counts as its units.
pub fn of_shards(units: &[Unit]) -> usize {
    units.iter().filter(|unit| matches!(unit.part, Part::Shard(_))).count()
}

#[cfg(test)]
mod tests;
