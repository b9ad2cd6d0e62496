//! Batch sizes of a sweep: into grants, by the device of the worker; out of reports, into the profile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{Ended, Slot, WorkerId};
use plan::{Batches, Plan};
use protocol::about::About;
use protocol::message::{FromWorker, Report};
use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::Group;
use sweep::unit::{Unit, UnitId};
use sweep::variant::Variant;

use super::happening::{Happening, Listener};
use crate::core::failure::lacks_host_memory;

/// Shortest time between two writes of the profile, which is also written at the end.
const PAUSE: Duration = Duration::from_secs(10);

/// Batch sizes of one sweep.
pub(crate) struct BatchSizes {
    slots: Vec<Slot>,
    groups: Vec<Arc<Group>>,
    batches: Batches,
    /// Slot of every worker that has called.
    workers: HashMap<WorkerId, usize>,
    /// Batch sizes that are granted for a group to a slot, by the index of both: devices of one kind may have different
    /// memory budgets.
    granted: HashMap<(usize, usize), Arc<GrantedBatches>>,
    /// Divisor of batch sizes for each kind of device whose workers found the memory of the host exhausted.
    crowded: HashMap<String, usize>,
    index: HashMap<String, usize>,
    /// Time since when the file of the profile lacks something.
    unsaved: Option<Instant>,
}

impl BatchSizes {
    pub(crate) fn new(plan: &Plan, batches: Batches) -> Self {
        let groups = plan.groups.iter().map(|planned| Arc::clone(&planned.group)).collect();
        Self::of(&plan.slots, groups, batches)
    }

    fn of(slots: &[Slot], groups: Vec<Arc<Group>>, batches: Batches) -> Self {
        let index = groups.iter().enumerate().map(|(index, group)| (group.name(), index)).collect();
        let (workers, granted, crowded) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { slots: slots.to_vec(), groups, batches, workers, granted, crowded, index, unsaved: None }
    }

    /// Notes that `worker` serves `slot`. A worker of another machine says what its device is.
    fn connected(&mut self, worker: WorkerId, slot: usize, about: Option<&About>) {
        self.workers.insert(worker, slot);
        let Some(about) = about.filter(|about| !about.model.is_empty()) else { return };
        let of = &mut self.slots[slot];
        let found = Slot {
            name: of.name.clone(),
            model: about.model.clone(),
            threads: about.threads,
            gpu: about.gpu.clone(),
            memory: about.memory,
        };
        if *of != found {
            *of = found;
            self.granted.retain(|(_, at), _| *at != slot);
        }
    }

    /// Batch sizes for `unit` on the device of `worker`; none where the device is not known.
    pub(crate) fn granted(&mut self, worker: WorkerId, unit: &Unit) -> Arc<GrantedBatches> {
        let Some(at) = self.workers.get(&worker).copied() else { return Arc::default() };
        let slot = &self.slots[at];
        let Some(index) = self.index.get(&unit.group.name()) else { return Arc::default() };
        let Self { batches, granted, crowded, .. } = self;
        let sizes = granted.entry((*index, at)).or_insert_with(|| {
            let divisor = crowded.get(&slot.model).copied().unwrap_or(1);
            let sizes = batches.granted(&unit.group, slot).divided(divisor);
            tell(&unit.group, &sizes, slot);
            Arc::new(sizes)
        });
        Arc::clone(sizes)
    }

    /// Takes over what `worker` learned while computing `unit`.
    fn learn(&mut self, worker: WorkerId, unit: &UnitId, report: &Report) {
        let Some(slot) = self.workers.get(&worker).map(|slot| self.slots[*slot].clone()) else { return };
        let Some(index) = self.index.get(unit.group()) else { return };
        let group = &self.groups[*index];
        for learned in &report.learned {
            if learned.ran_out {
                let keys = learned.keys.join(", ");
                tracing::warn!(
                    model = group.model,
                    keys,
                    batch = learned.batch,
                    "memory ran out, and the batch is another one now"
                );
            }
            if self.batches.learn(group, &slot, learned) {
                // Any group may have such a model.
                self.granted.retain(|(_, of), _| self.slots[*of].model != slot.model);
                self.unsaved.get_or_insert_with(Instant::now);
            }
        }
        if self.unsaved.is_some_and(|since| since.elapsed() > PAUSE) {
            self.save();
        }
    }

    /// Halves the batch sizes for the device of `slot` if its worker ended because the host had no more memory.
    fn exited(&mut self, slot: usize, how: Ended) {
        self.workers.retain(|_, of| *of != slot);
        if lacks_host_memory(how) {
            let device = self.slots[slot].model.clone();
            let divisor = self.crowded.entry(device.clone()).or_insert(1);
            *divisor = (2 * *divisor).min(1 << 20);
            tracing::warn!(
                slot,
                divisor,
                ?how,
                "the host gives no more memory, or a library gave up for want of it; batches are divided"
            );
            self.granted.retain(|(_, of), _| self.slots[*of].model != device);
        }
    }

    /// Writes the profile if something is new. A sweep continues without a profile.
    fn save(&mut self) {
        if self.unsaved.take().is_some()
            && let Err(error) = self.batches.save()
        {
            tracing::warn!(%error, "the profile of batch sizes cannot be written");
        }
    }
}

impl Listener for BatchSizes {
    fn hear(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Connected { worker, slot, about, .. } => self.connected(*worker, *slot, *about),
            Happening::Said { worker, message: FromWorker::Done { unit, report, .. } } => {
                self.learn(*worker, unit, report);
            }
            Happening::Exited { slot, how } => self.exited(*slot, *how),
            Happening::Over { .. } => self.save(),
            _ => {}
        }
    }
}

fn tell(group: &Group, granted: &GrantedBatches, slot: &Slot) {
    let size = |variant: &Variant| {
        let GrantedBatch { images, grows } = granted.of([variant.key.as_str()]);
        format!("{}={images}{}", variant.key, if grows { "+" } else { "" })
    };
    let sizes = group.variants.iter().map(size).collect::<Vec<_>>().join(" ");
    tracing::info!(group = group.name(), slot = slot.name, device = slot.model, sizes, "batch sizes");
}

#[cfg(test)]
mod tests;
