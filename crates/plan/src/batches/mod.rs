//! Batch sizes, from the first of these that knows one: `batch_size` of the config, the measurement on such a device, the
//! results of the reference's preflight, `settings.batch_sizes` of the config, or a cautious number that the worker lets grow.

pub mod profile;
mod results;
mod saving;

use std::path::{Path, PathBuf};

use files::FileError;
use fleet::Slot;
use protocol::message::Learned;
use sweep::config::{Config, Proposed};
use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::Group;
use sweep::memory::{self, Bound, Line};
use sweep::variant::Variant;

use profile::{Entry, Profile, Source, Subject};
use results::{Results, results};

pub use profile::MARGIN;

/// Number of images at once where nothing is known: a worker doubles the number while that is faster and fits.
pub const CAUTIOUS: usize = 4;

/// Smallest growth of a batch that preflight and a sweep find worth trying.
pub const WORTH: f64 = 1.1;

/// Memory in bytes of a GPU that a worker holds and does not count itself, where preflight has not measured it: context,
/// kernels, libraries.
const BESIDE: u64 = 600 << 20;

/// Batch sizes that are known, and those that a sweep learns.
#[derive(Clone, Debug)]
pub struct Batches {
    fixed: Option<usize>,
    results_file: PathBuf,
    results: Results,
    /// Batch sizes that the config proposes.
    proposed: Proposed,
    /// Whether the file of results holds something else that must not be lost.
    damaged: bool,
    profile: Profile,
}

/// Name of the file of results in the output folder, where the config does not give one.
const RESULTS: &str = "preflight_results.json";
/// Name of the profile, beside the results.
const PROFILE: &str = "preflight_profile.json";

impl Batches {
    /// Files of results and of the profile, which need not exist.
    pub(crate) fn files(config: &Config) -> [PathBuf; 2] {
        let named = config.preflight.results_path.as_ref().map(|(file, _)| file.clone());
        let results = named.unwrap_or_else(|| config.paths.output_dir.join(RESULTS));
        [results.with_file_name(PROFILE), results]
    }

    /// Reads results and profile of preflight where they exist, with a sentence for each file that is of no use.
    pub fn read(config: &Config, libtorch: &str) -> (Self, Vec<String>) {
        let [profile, results_file] = Self::files(config);
        let (profile, damaged) = Profile::read(profile, libtorch);
        let mut sentences: Vec<String> = damaged.into_iter().collect();
        let results = results(&results_file);
        if let Err(reason) = &results {
            let file = results_file.display();
            sentences.push(format!(
                "the batch sizes in `{file}` cannot be used ({reason}), expected model -> method key -> images; \
                 the file is put aside once there is a new one"
            ));
        }
        let (fixed, damaged) = (config.settings.batch_size, results.is_err());
        let (results, proposed) = (results.unwrap_or_default(), config.preflight.proposed.clone());
        (Self { fixed, results_file, results, proposed, damaged, profile }, sentences)
    }

    /// Profile with all measurements.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// File of batch sizes, for a person.
    pub fn results_file(&self) -> &Path {
        &self.results_file
    }

    /// Batch size of `variant` of `group` on `slot`.
    pub fn of(&self, group: &Group, variant: &Variant, slot: &Slot) -> GrantedBatch {
        if let Some(images) = self.fixed {
            return GrantedBatch { images, grows: false };
        }
        if let Some(entry) = self.profile.find(&Subject::of(group, variant, &slot.model)) {
            let room = room(group, slot, entry.bytes.base, entry.margin);
            let fits = room.map_or(usize::MAX, |room| entry.bytes.most(room));
            // Under a smaller `limit` there were no more images.
            let unfinished = (entry.batch as u64) < group.shard.min(group.images);
            let grows = match entry.bound {
                Bound::Memory => fits as f64 >= WORTH * entry.batch as f64 && fits > entry.batch,
                Bound::Shard => unfinished,
                Bound::Speed => false,
            };
            // A worker that grows leaves the usual margin, and knows of no wider one.
            return GrantedBatch { images: entry.batch.min(fits).max(1), grows: grows && entry.margin <= MARGIN };
        }
        let measured = self.told(group, variant);
        // The reference writes 0 for what did not fit at all, and silently skips it: one image is tried.
        let guess = GrantedBatch { images: CAUTIOUS, grows: true };
        measured.map_or(guess, |batch| GrantedBatch { images: batch.max(1), grows: false })
    }

    /// Number of a user for `variant` of `group`: that of the results, or else that of the config.
    fn told(&self, group: &Group, variant: &Variant) -> Option<usize> {
        let in_results = self.results.get(&group.model).and_then(|methods| methods.get(&variant.key)).copied();
        in_results.or_else(|| self.proposed.of(&variant.key))
    }

    /// Whether the results or the config hold a number of a user for `variant` of `group`, as this program has measured nothing: such
    /// a number counts until a device proves it wrong.
    pub fn are_told(&self, group: &Group, variant: &Variant) -> bool {
        let told = self.told(group, variant);
        let is_ours = |entry: &Entry| entry.of.model == group.model && entry.of.key == variant.key;
        told.is_some_and(|batch| batch > 0) && !self.profile.current().any(is_ours)
    }

    /// Batch size of each variant of `group` on `slot`.
    pub fn granted(&self, group: &Group, slot: &Slot) -> GrantedBatches {
        let sizes = group.variants.iter().map(|variant| (variant.key.clone(), self.of(group, variant, slot)));
        GrantedBatches(sizes.collect())
    }

    /// Seconds that an image of `group` takes on `slot`, where all of its variants were measured on such a device.
    pub fn seconds(&self, group: &Group, slot: &Slot) -> Option<f64> {
        group.variants.iter().map(|variant| self.seconds_of(group, variant, slot)).sum()
    }

    /// Seconds that the map of an image of `group` by `variant` takes on `slot`, where that was measured on such a device.
    pub fn seconds_of(&self, group: &Group, variant: &Variant, slot: &Slot) -> Option<f64> {
        let entry = self.profile.find(&Subject::of(group, variant, &slot.model))?;
        (entry.images_per_second > 0.0).then(|| 1.0 / entry.images_per_second)
    }

    /// Takes over what a worker in `slot` learned of variants of `group`; whether anything is new.
    pub fn learn(&mut self, group: &Group, slot: &Slot, learned: &Learned) -> bool {
        let share = learned.keys.len().max(1) as f64;
        let mut new = false;
        for variant in group.variants.iter().filter(|variant| learned.keys.contains(&variant.key)) {
            let of = Subject::of(group, variant, &slot.model);
            let known = self.profile.find(&of).cloned();
            // Preflight measures each variant by itself, and more carefully.
            let careful = known.as_ref().is_some_and(|entry| entry.by == Source::Preflight);
            if self.fixed.is_some() || (careful && !learned.ran_out) {
                continue;
            }
            let margin = known.as_ref().map_or(MARGIN, |entry| entry.margin);
            let (bytes, images_per_second) = match known.filter(|_| careful || learned.rate == 0.0) {
                Some(entry) => (entry.bytes, entry.images_per_second),
                // Nothing was measured: bytes that are not known would let any batch fit.
                None if learned.rate == 0.0 => continue,
                None => (with_context(learned.line, slot), learned.rate * share),
            };
            self.put(Entry {
                of,
                batch: learned.batch,
                bound: learned.bound,
                bytes,
                margin,
                images_per_second,
                by: Source::Sweep,
                date: profile::now(),
                program: profile::program(),
                libtorch: self.profile.libtorch().to_owned(),
            });
            new = true;
        }
        new
    }

    /// Adds a measurement.
    pub fn put(&mut self, entry: Entry) {
        self.profile.put(entry);
    }

    /// Writes the profile.
    pub fn save(&mut self) -> Result<(), FileError> {
        self.profile.save()
    }
}

/// Memory in bytes that a batch of `group` may take on `slot`, the `base` of the model included, so that the share `margin`
/// of the memory above the model stays free; on the CPU without the memory of shards in flight. `None` where nothing limits
/// the memory.
pub fn room(group: &Group, slot: &Slot, base: u64, margin: f64) -> Option<u64> {
    let in_flight = if slot.gpu.is_none() { group.in_flight() } else { 0 };
    let budget = slot.memory?.saturating_sub(in_flight);
    Some(memory::within(budget, base, margin))
}

/// Adds the memory that a worker of `slot` does not count itself: the budget is what the driver calls free before there is a
/// worker.
fn with_context(line: Line, slot: &Slot) -> Line {
    let beside = if slot.gpu.is_some() { BESIDE } else { 0 };
    Line { base: line.base.saturating_add(beside), ..line }
}

#[cfg(test)]
mod tests;
