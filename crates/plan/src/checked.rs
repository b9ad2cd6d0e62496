//! Sweep that was checked, and its groups.

use std::path::PathBuf;
use std::sync::Arc;

use fleet::launchers::Launcher;
use fleet::{Reservation, Slot};
use store::formats::Entry;
use store::{FORMATS, Facts, Labels};
use sweep::config::Config;
use sweep::group::Group;

use crate::batches::Batches;
use crate::check::means::Means;
use crate::check::stores::theirs::Theirs;

/// Sweep whose config and files are sound and whose stores can be continued. Nothing is written yet.
#[derive(Debug)]
pub struct Checked {
    /// Config of the sweep.
    pub config: Config,
    /// Slots for workers.
    pub slots: Vec<Slot>,
    /// Launcher that starts workers.
    pub launcher: Arc<dyn Launcher>,
    /// Every group, in the order of the config.
    pub groups: Vec<Planned>,
    /// Mean images that variants take.
    pub means: Means,
    /// Batch sizes.
    pub batches: Batches,
    /// Format of finished stores.
    pub format: &'static Entry,
    /// Warnings for a person, though nothing is wrong with the config.
    pub warnings: Vec<String>,
    /// Groups of which another program has left a store.
    pub theirs: Vec<Theirs>,
    pub(crate) reservation: Reservation,
}

/// Group, and what its store needs to be made and closed.
#[derive(Debug)]
pub struct Planned {
    /// The group.
    pub group: Arc<Group>,
    /// Facts that the store records on its origin.
    pub facts: Facts,
    pub(crate) labels: Labels,
    /// Whether the store says that everything was written.
    pub complete: bool,
}

impl Planned {
    /// Place where the store lies now, in whichever format.
    pub fn place(&self) -> PathBuf {
        FORMATS.now(&FORMATS.folder(&self.group.store))
    }
}
