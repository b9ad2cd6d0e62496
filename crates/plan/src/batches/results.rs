//! Results of preflight in the form of the reference: a file of batch sizes that people read and write too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use files::FileError;
use files::shared_json::{self, FolderLock};
use sweep::memory::Bound;
use sweep::problem::not_json;

use super::Batches;

/// Images at once by model and method key, as the reference's `preflight_results.json` has them.
pub(super) type Results = BTreeMap<String, BTreeMap<String, usize>>;

/// Reads the results of `file`; none where there is no file. The error says why the content is of no use.
pub(super) fn results(file: &Path) -> Result<Results, String> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| not_json(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Results::new()),
        Err(error) => Err(error.to_string()),
    }
}

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
