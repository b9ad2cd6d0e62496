//! From a config that was checked to a plan: from here on files are written.

use std::sync::Arc;

use fleet::{Reservation, Slot, launchers};
use store::{Ledger, durable};
use sweep::config::Config;
use sweep::unit::Unit;

use crate::exit::Failure;
use crate::pieces::Split;
use crate::{Batches, Checked, Means, Planned, refuse};

/// What is to do.
#[derive(Debug)]
pub struct Plan {
    /// The config.
    pub config: Config,
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// How workers are started.
    pub launcher: &'static launchers::Entry,
    /// Every group, in the order of the config.
    pub groups: Vec<Planned>,
    /// Batch sizes.
    pub batches: Batches,
    /// Shards that lack anything, in the order of the config.
    pub units: Vec<Unit>,
    /// Keeps other sweeps off the GPUs of the slots.
    pub reservation: Reservation,
}

/// Compares the stores with `groups` once more: of the mean images that are there now, nothing was known before.
fn compare_again(groups: &mut [Planned], means: &Means) -> Result<(), Failure> {
    for planned in groups.iter_mut() {
        means.attach(Arc::make_mut(&mut planned.group))?;
    }
    refuse(groups.iter().filter_map(|planned| store::inspect(&planned.group, &planned.facts).err()).collect())
}

impl Checked {
    /// Takes the GPUs that are to be computed on, so that no other sweep does. What another one has taken since they were looked
    /// at is left to it, if they were not named.
    pub fn reserve(&mut self) -> Result<(), Failure> {
        let launcher = (self.launcher.build)();
        let (reservation, warnings) = launcher.reserve(&self.config.devices(), &mut self.slots)?;
        self.reservation = reservation;
        self.warnings.extend(warnings);
        Ok(())
    }

    /// Computes and writes the mean images that variants take and that are not there.
    pub fn compute_means(&mut self) -> Result<(), Failure> {
        for file in self.config.paths.means_dir.iter().flat_map(|folder| data::mean::sweep(folder)) {
            tracing::info!(file = %file.display(), "an unfinished mean image of a process that ended is removed");
        }
        if self.means.compute()? {
            compare_again(&mut self.groups, &self.means)?;
        }
        Ok(())
    }

    /// Computes mean images, makes the stores, tidies up after dead workers, and lists what is to do.
    pub fn begin(mut self) -> Result<Plan, Failure> {
        self.compute_means()?;
        let Self { config, slots, launcher, mut groups, batches, reservation, .. } = self;
        let tag = format!("scheduler-{}", std::process::id());
        let mut units = Vec::new();
        let split = Split::of(groups.iter().map(|planned| planned.group.as_ref()), slots.len());
        for (index, planned) in groups.iter_mut().enumerate() {
            let group = &planned.group;
            // Another scheduler may have been here between the check and the lock.
            planned.complete = store::inspect(group, &planned.facts)?.unwrap_or(false);
            if group.store.is_dir() {
                durable::sweep(&group.store)?;
                store::grow(group, &tag)?;
            }
            let ledger = Ledger::read(group)?;
            let missing: Vec<u64> = (0..group.shards()).filter(|shard| !ledger.is_done(group, *shard)).collect();
            if !missing.is_empty() || !planned.complete {
                planned.complete = false;
                let compression = config.settings.store.compression;
                for file in store::create(group, &planned.facts, &planned.labels, compression, &tag)? {
                    tracing::warn!("`{}` was damaged or lost and is made anew", file.display());
                }
            }
            units.extend(missing.into_iter().flat_map(|shard| split.units(group, (index, shard), &ledger)));
        }
        Ok(Plan { config, slots, launcher, groups, batches, units, reservation })
    }
}
