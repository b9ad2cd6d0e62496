//! Batches that were found, written into the results in the form of the reference.

use files::FileError;
use files::shared_json::{self, FolderLock};
use sweep::memory::Bound;

use super::Batches;
use super::results::{Results, results};

impl Batches {
    /// Writes the reference's results, if the file does not hold them already: for every measured variant the batch that
    /// fits all kinds of devices. Other content of the file, and what others have written meanwhile, stays; numbers that
    /// are replaced stay in a copy beside the file.
    pub fn save_results(&mut self) -> Result<(), FileError> {
        let _lock = FolderLock::of(&self.results_file);
        let written = results(&self.results_file).ok();
        self.results = written.clone().unwrap_or_else(|| std::mem::take(&mut self.results));
        let before = written.unwrap_or_default();
        let mut least = Results::new();
        for entry in self.profile.current() {
            let known = before.get(&entry.of.model).and_then(|methods| methods.get(&entry.of.key));
            // There were no more images: a larger number is not proven wrong.
            if entry.bound == Bound::Shard && known.is_some_and(|known| *known > entry.batch) {
                continue;
            }
            let batch =
                least.entry(entry.of.model.clone()).or_default().entry(entry.of.key.clone()).or_insert(entry.batch);
            *batch = entry.batch.min(*batch);
        }
        if least.is_empty() {
            return Ok(());
        }
        let changes = |(model, key, batch): (&String, &String, &usize)| {
            before.get(model).and_then(|methods| methods.get(key)).is_some_and(|known| known != batch)
        };
        let mut found = least.iter().flat_map(|(model, all)| all.iter().map(move |(key, batch)| (model, key, batch)));
        // They may be a user's, from another device.
        if found.any(changes) {
            shared_json::keep_copy(&self.results_file)?;
        }
        for (model, batches) in least {
            self.results.entry(model).or_default().extend(batches);
        }
        if !before.is_empty() && before == self.results {
            return Ok(());
        }
        if std::mem::take(&mut self.damaged) {
            shared_json::set_damaged_aside(&self.results_file);
        }
        shared_json::write(&self.results_file, &self.results)
    }
}
