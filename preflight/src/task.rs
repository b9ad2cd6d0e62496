//! Tasks of preflight: every variant of every model, once for each kind of device.

use std::path::PathBuf;
use std::sync::Arc;

use fleet::Slot;
use plan::Checked;
use plan::batches::{MARGIN, room};
use plan::profile::{Source, Subject};
use protocol::probe::{Asked, Request};
use sweep::group::{Group, Input};
use sweep::memory::{self, Bound};
use sweep::variant::Variant;

use crate::options::Options;

/// Ratio of images that fit to those of the profile, or its inverse, from which on a change of the memory is worth another probe.
const AGAIN: f64 = 1.25;

/// One variant of one model on one kind of device.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// The kind of device.
    pub(crate) device: String,
    pub(crate) subject: Subject,
    pub(crate) group: Arc<Group>,
    pub(crate) variant: Variant,
    /// Share of the memory above the model's that stays free.
    pub(crate) margin: f64,
    /// Folder of datasets.
    data: PathBuf,
    /// Bytes that a worker may hold.
    memory: Option<u64>,
    /// Bytes of those that images and maps of shards in flight take.
    in_flight: u64,
}

/// Tasks for all batch sizes that are not known yet, or for all of them if `options` force it; and the number of known ones.
pub(crate) fn list(checked: &Checked, options: Options) -> (Vec<Task>, usize) {
    let (mut tasks, mut known): (Vec<Task>, usize) = (Vec::new(), 0);
    let mut seen: Vec<Subject> = Vec::new();
    // The group with the most images can fill the largest batch.
    let mut groups: Vec<&Arc<Group>> = checked.groups.iter().map(|planned| &planned.group).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.images));
    for (index, slot) in checked.slots.iter().enumerate() {
        if checked.slots[..index].iter().any(|earlier| earlier.model == slot.model) {
            continue;
        }
        for group in &groups {
            for variant in &group.variants {
                let subject = Subject::of(group, variant, &slot.model);
                if seen.iter().any(|other| other.is_like(&subject)) {
                    continue;
                }
                seen.push(subject.clone());
                let known_margin = checked.batches.profile().find(&subject).map(|entry| entry.margin);
                let margin = options.margin.or(known_margin).unwrap_or(MARGIN);
                let is_told = options.trusts && checked.batches.are_told(group, variant);
                if is_told || !options.force && is_known(checked, group, slot, (&subject, margin)) {
                    known += 1;
                } else {
                    tasks.push(Task::new(checked, (group, variant), slot, (subject, margin)));
                }
            }
        }
    }
    (tasks, known)
}

/// Whether an earlier probe, with this margin, still holds with the memory that there is now. A batch that does not fit any more
/// is measured again, so that preflight reports it, and not the sweep.
fn is_known(checked: &Checked, group: &Group, slot: &Slot, (subject, margin): (&Subject, f64)) -> bool {
    let Some(entry) = checked.batches.profile().find(subject) else { return false };
    let fits = room(group, slot, entry.bytes.base, margin).map_or(usize::MAX, |room| entry.bytes.most(room));
    let shard = group.shard.min(group.images) as usize;
    let smaller = entry.batch as f64 > AGAIN * fits as f64;
    let larger = match entry.bound {
        Bound::Speed => false,
        Bound::Memory => fits.min(shard) as f64 > AGAIN * entry.batch as f64,
        Bound::Shard => shard > entry.batch,
    };
    let same_margin = (entry.margin - margin).abs() < 1e-6;
    entry.by == Source::Preflight && same_margin && !larger && !smaller
}

impl Task {
    fn new(checked: &Checked, (group, variant): (&Arc<Group>, &Variant), slot: &Slot, of: (Subject, f64)) -> Self {
        let (subject, margin) = of;
        Self {
            device: slot.model.clone(),
            subject,
            group: Arc::clone(group),
            variant: variant.clone(),
            margin,
            data: checked.config.paths.data_root.clone(),
            memory: slot.memory,
            in_flight: if slot.gpu.is_none() { group.in_flight() } else { 0 },
        }
    }

    /// The name in messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.group.model, self.variant.key)
    }

    /// Bytes that a worker may hold.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Images of a shard, which is the largest batch.
    pub(crate) fn most(&self) -> usize {
        self.group.shard.min(self.group.images) as usize
    }

    /// Bytes that a batch may take, the model included, if the worker may hold `memory` bytes.
    pub(crate) fn budget(&self, memory: Option<u64>) -> Option<u64> {
        memory.map(|memory| memory.saturating_sub(self.in_flight))
    }

    /// The name and the reason, if nothing can be measured because the memory is used up before the first image.
    pub(crate) fn hopeless(&self) -> Option<(String, String)> {
        let memory = self.memory.filter(|memory| *memory <= self.in_flight)?;
        Some((self.name(), format!("there is no room for a model: {}", self.shares(memory))))
    }

    /// The uses of `memory`, as a sentence.
    pub(crate) fn shares(&self, memory: u64) -> String {
        let (all, flight) = (memory::text(memory), memory::text(self.in_flight));
        match self.in_flight {
            0 => format!("the worker may hold {all}"),
            _ => format!("the worker may hold {all}, and images and maps in flight take {flight} of it"),
        }
    }

    /// The request to measure `batch` images at once, `repeats` times.
    pub(crate) fn request(&self, batch: usize, repeats: usize) -> Request {
        let Group { dataset, split, shape, model, input, numerics, .. } = self.group.as_ref();
        let Input { weights, weights_set, mean, .. } = input;
        let Variant { key, class, parameters, semantics, .. } = self.variant.clone();
        Request {
            model: model.clone(),
            weights: weights.clone(),
            weights_set: weights_set.clone(),
            data: self.data.clone(),
            dataset: dataset.clone(),
            split: split.clone(),
            size: shape[1],
            float_range: self.group.float_range(),
            images: batch as u64,
            mean: mean.as_ref().map(|mean| mean.file.clone()),
            numerics: *numerics,
            variants: vec![Asked { key, class, parameters, semantics, batch }],
            repeats,
            maps: None,
        }
    }
}
