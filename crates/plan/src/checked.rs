//! A sweep that was checked, and its groups.

use std::sync::Arc;

use fleet::{Reservation, Slot, launchers};
use store::{Facts, Labels};
use sweep::config::Config;
use sweep::group::Group;

use crate::batches::Batches;
use crate::check::means::Means;

/// A sweep whose config and files are sound and whose stores can be gone on with. Nothing is written yet.
#[derive(Debug)]
pub struct Checked {
    /// The config.
    pub config: Config,
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// How workers are started.
    pub launcher: &'static launchers::Entry,
    /// Every group, in the order of the config.
    pub groups: Vec<Planned>,
    /// Mean images.
    pub means: Means,
    /// Batch sizes.
    pub batches: Batches,
    /// What a person should know, though nothing is wrong with the config.
    pub warnings: Vec<String>,
    pub(crate) reservation: Reservation,
}

/// A group and what its store needs to be made and closed.
#[derive(Debug)]
pub struct Planned {
    /// The group.
    pub group: Arc<Group>,
    /// What its store records of where it comes from.
    pub facts: Facts,
    pub(crate) labels: Labels,
    /// Whether the store says that everything was written.
    pub complete: bool,
}
