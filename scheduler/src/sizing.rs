//! Batch sizes on their way: into grants, by the device of the worker; out of reports, into the profile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{Ended, WorkerId};
use plan::{Batches, Plan};
use sweep::group::Group;
use sweep::message::{HOST_MEMORY, Report};
use sweep::unit::{Unit, UnitId};
use sweep::variant::Variant;

/// How often the profile is written, at most; and at the end.
const PAUSE: Duration = Duration::from_secs(10);

/// The batch sizes of one sweep.
pub(crate) struct Sizing<'a> {
    plan: &'a Plan,
    batches: Batches,
    /// The slot of every worker that has called.
    slots: HashMap<WorkerId, usize>,
    /// Groups as they are granted on a kind of device, by the index of the group.
    granted: HashMap<(usize, String), Arc<Group>>,
    /// By what batches are divided on a kind of device whose workers found the host's memory exhausted.
    crowded: HashMap<String, usize>,
    index: HashMap<String, usize>,
    /// Since when the profile's file lacks something.
    unsaved: Option<Instant>,
}

impl<'a> Sizing<'a> {
    pub(crate) fn new(plan: &'a Plan, batches: Batches) -> Self {
        let index = plan.groups.iter().enumerate().map(|(index, planned)| (planned.group.name(), index)).collect();
        let (slots, granted, crowded) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { plan, batches, slots, granted, crowded, index, unsaved: None }
    }

    /// `worker` serves `slot`.
    pub(crate) fn connected(&mut self, worker: WorkerId, slot: usize) {
        self.slots.insert(worker, slot);
    }

    /// `unit` with the batch sizes of `worker`'s device.
    pub(crate) fn granted(&mut self, worker: WorkerId, unit: Unit) -> Unit {
        let Some(slot) = self.slots.get(&worker).map(|slot| &self.plan.slots[*slot]) else { return unit };
        let Some(index) = self.index.get(&unit.group.name()) else { return unit };
        let Self { batches, granted, crowded, .. } = self;
        let group = granted.entry((*index, slot.model.clone())).or_insert_with(|| {
            let divisor = crowded.get(&slot.model).copied().unwrap_or(1);
            let mut group = batches.granted(&unit.group, slot);
            for variant in &mut group.variants {
                variant.batch = (variant.batch / divisor).max(1);
                variant.grows &= divisor == 1;
            }
            tell(&group, &slot.model);
            Arc::new(group)
        });
        Unit { group: Arc::clone(group), ..unit }
    }

    /// Takes what `worker` learned while it did `unit`.
    pub(crate) fn learn(&mut self, worker: WorkerId, unit: &UnitId, report: &Report) {
        let Some(slot) = self.slots.get(&worker).map(|slot| &self.plan.slots[*slot]) else { return };
        let Some(index) = unit.0.rsplit_once('/').and_then(|(group, _)| self.index.get(group)) else { return };
        let group = &self.plan.groups[*index].group;
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
            if self.batches.learn(group, slot, learned) {
                // Any group may have such a model.
                self.granted.retain(|(_, device), _| *device != slot.model);
                self.unsaved.get_or_insert_with(Instant::now);
            }
        }
        if self.unsaved.is_some_and(|since| since.elapsed() > PAUSE) {
            self.save();
        }
    }

    /// The worker of `slot` has ended: if the host gave it no more memory, the next one gets smaller batches.
    pub(crate) fn exited(&mut self, slot: usize, how: Ended) {
        self.slots.retain(|_, of| *of != slot);
        if matches!(how, Ended::Code(HOST_MEMORY) | Ended::OutOfMemory) {
            let device = &self.plan.slots[slot].model;
            let divisor = self.crowded.entry(device.clone()).or_insert(1);
            *divisor = (2 * *divisor).min(1 << 20);
            tracing::warn!(slot, divisor, "the host gives no more memory; batches are divided");
            self.granted.retain(|(_, of), _| of != device);
        }
    }

    /// Writes the profile, if there is anything new. A sweep goes on without it.
    pub(crate) fn save(&mut self) {
        if self.unsaved.take().is_some()
            && let Err(error) = self.batches.save()
        {
            tracing::warn!(%error, "the profile of batch sizes cannot be written");
        }
    }
}

fn tell(group: &Group, device: &str) {
    let size = |variant: &Variant| format!("{}={}{}", variant.key, variant.batch, if variant.grows { "+" } else { "" });
    let sizes = group.variants.iter().map(size).collect::<Vec<_>>().join(" ");
    tracing::info!(group = group.name(), device, sizes, "batch sizes");
}
