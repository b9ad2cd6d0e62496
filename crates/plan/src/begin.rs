//! Beginning of a sweep: from a config that was checked to a plan. From here on files are written.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use files::leftovers;
use fleet::launchers::Launcher;
use fleet::{Reservation, Slot};
use store::formats::Entry;
use store::{FORMATS, Ledger, StoreError};
use sweep::config::Config;
use sweep::group::Group;
use sweep::unit::Unit;

use crate::batches::Batches;
use crate::check::means::Means;
use crate::check::stores::refuse;
use crate::checked::{Checked, Planned};
use crate::exit::Failure;
use crate::work::{KINDS, Lacking, Split};

/// Plan of a sweep: the work to do, and everything that the work needs.
#[derive(Debug)]
pub struct Plan {
    /// Config of the sweep.
    pub config: Config,
    /// Slots for workers.
    pub slots: Vec<Slot>,
    /// Launcher that starts workers.
    pub launcher: Arc<dyn Launcher>,
    /// Every group, in the order of the config.
    pub groups: Vec<Planned>,
    /// Batch sizes.
    pub batches: Batches,
    /// Format of finished stores.
    pub format: &'static Entry,
    /// Whether later scripts look for finished stores under names without a dataset and a split.
    pub has_short_names: bool,
    /// Units that write what the stores lack: kind by kind, and of each kind in the order of the config.
    pub units: Vec<Unit>,
    /// Reservation that keeps other sweeps off the GPUs of the slots.
    pub reservation: Reservation,
}

/// Compares the stores with `groups` once more, after mean images were made of which nothing was known before.
fn compare_again(groups: &mut [Planned], means: &Means) -> Result<(), Failure> {
    for planned in groups.iter_mut() {
        means.attach(Arc::make_mut(&mut planned.group))?;
    }
    refuse(groups.iter().filter_map(|planned| store::inspect(&planned.group, &planned.facts).err()).collect())
}

/// Looks for the store of `planned` once more, as another scheduler may have been here between the check and the lock, and does what
/// a run that was killed had left of the conversion into `format`. A store in another form that the sweep goes on with becomes a
/// folder again.
fn find(planned: &mut Planned, format: &Entry) -> Result<(), StoreError> {
    let folder = FORMATS.folder(&planned.group.store);
    FORMATS.remove_leftovers(&folder)?;
    let place = FORMATS.now(&folder);
    let group = Arc::make_mut(&mut planned.group);
    group.store.clone_from(&place);
    planned.complete = store::inspect(group, &planned.facts)?.unwrap_or(false);
    let is_packed = FORMATS.of(&place).packing.is_some();
    if is_packed && !(planned.complete && is_whole(group)?) {
        tracing::info!(store = %place.display(), "the store is unpacked, as there is more to do");
        group.store = FORMATS.unpack(&place, None)?;
    }
    if !is_packed && format.packing.is_some() && planned.complete && is_whole(group)? {
        group.store = FORMATS.pack(&folder, format)?;
    }
    Ok(())
}

/// Whether every shard of the group's store exists.
fn is_whole(group: &Group) -> Result<bool, StoreError> {
    let ledger = Ledger::read(group)?;
    Ok((0..group.shards()).all(|shard| ledger.is_done(group, shard) && ledger.is_evaluated(group, shard)))
}

/// Whether scripts of the experiment of `config` look for stores under names without a dataset and a split, and `groups` have one of each.
fn has_short_names(config: &Config, groups: &[Planned]) -> bool {
    let parts: BTreeSet<_> = groups.iter().map(|planned| (&planned.group.dataset, &planned.group.split)).collect();
    config.reference.is_some_and(|reference| reference.experiment.has_short_names) && parts.len() == 1
}

/// Leaves the link under which later scripts look for the finished store at `place`. What stands in the way is told, and stops nothing.
pub fn link(place: &Path) {
    if let Err(error) = store::link_for_scripts(place) {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        tracing::warn!("later scripts will not find `{}` under its short name: {error}{cause}", place.display());
    }
}

impl Checked {
    /// Reserves the GPUs of the sweep, so that no other sweep takes them. A GPU that another sweep has taken since the
    /// check is left to that sweep, unless the config names the GPU.
    pub fn reserve(&mut self) -> Result<(), Failure> {
        let (reservation, warnings) = self.launcher.reserve(&self.config.devices(), &mut self.slots)?;
        self.reservation = reservation;
        self.warnings.extend(warnings);
        Ok(())
    }

    /// Computes and writes the missing mean images that variants take.
    pub fn compute_means(&mut self) -> Result<(), Failure> {
        for file in data::mean::remove_leftovers(&self.config.paths.means_dir) {
            tracing::info!(file = %file.display(), "an unfinished mean image of a process that ended is removed");
        }
        if self.means.compute()? {
            compare_again(&mut self.groups, &self.means)?;
            for based in self.theirs.iter_mut().filter_map(|theirs| theirs.based.as_mut().ok()) {
                self.means.attach(&mut based.0)?;
            }
        }
        Ok(())
    }

    /// Computes mean images, makes the stores, removes leftovers of dead workers, and lists the units to do.
    pub fn begin(mut self) -> Result<Plan, Failure> {
        self.compute_means()?;
        let Self { config, slots, launcher, mut groups, batches, reservation, format, .. } = self;
        let tag = format!("scheduler-{}", std::process::id());
        let has_short_names = has_short_names(&config, &groups);
        for file in store::packed::remove_leftovers(&config.paths.output_dir) {
            tracing::info!(file = %file.display(), "an unfinished zip of a process that ended is removed");
        }
        let mut units = KINDS.map(|_| Vec::new());
        let split = Split::of(groups.iter().map(|planned| planned.group.as_ref()), slots.len());
        for (index, planned) in groups.iter_mut().enumerate() {
            find(planned, format)?;
            if has_short_names && planned.complete {
                link(&planned.group.store);
            }
            let group = &planned.group;
            if FORMATS.of(&group.store).packing.is_none() && store::exists(&group.store) {
                leftovers::remove(&group.store)?;
                store::grow(group, &tag)?;
            }
            let ledger = Ledger::read(group)?;
            let mut complete = planned.complete;
            for (kind, units) in KINDS.iter().zip(&mut units) {
                let missing = kind.units(&Lacking { group, index, ledger: &ledger, split: &split, complete });
                complete &= missing.is_empty();
                units.extend(missing);
            }
            if !complete {
                planned.complete = false;
                let compression = config.settings.store.compression;
                for file in store::create(group, &planned.facts, &planned.labels, compression, &tag)? {
                    tracing::warn!("`{}` was damaged or lost and is made anew", file.display());
                }
            }
        }
        let units = units.into_iter().flatten().collect();
        Ok(Plan { config, slots, launcher, groups, batches, format, has_short_names, units, reservation })
    }
}
