//! Trait of a kind of work: all that planning and scheduling need to know of the kind.

use std::fmt::Debug;
use std::sync::Arc;

use store::Ledger;
use sweep::group::Group;
use sweep::unit::Unit;

use super::siblings::Siblings;
use super::splitting::Split;

/// Result of doing a unit twice, which happens whenever a worker is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// Equal bytes: whichever attempt writes last, nothing changes.
    SameBytes,
    /// Another result. A checkpoint that exists wins, and an attempt continues from the checkpoint of the attempt
    /// before.
    Resumes,
}

/// Group whose store may lack something.
#[derive(Clone, Copy, Debug)]
pub struct Lacking<'a> {
    /// Group to look at.
    pub group: &'a Arc<Group>,
    /// Index of the group in its sweep.
    pub index: usize,
    /// Files that the store of the group has.
    pub ledger: &'a Ledger,
    /// Shards of the sweep that are split into pieces.
    pub split: &'a Split,
    /// Whether the store is complete, and the kinds above this one have nothing to do.
    pub complete: bool,
}

/// Seconds that an image takes with the variants of a unit, on the mean of all devices, where that was measured.
pub type Seconds<'a> = &'a dyn Fn(&Unit) -> Option<f64>;

/// Kind of work.
pub trait Kind: Debug + Sync {
    /// Name of the kind in messages and in the names of units: begins with a letter, and has neither `/`, `.` nor `:`.
    fn name(&self) -> &'static str;

    /// Result of doing a unit twice.
    fn repeated(&self) -> Repeated;

    /// Units that write what the store of a group lacks, in the order of the images. So the kind says what it writes,
    /// and how its work is split.
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
