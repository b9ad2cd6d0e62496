//! Results of preflight in the form of the reference: a file of batch sizes that people read and write too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sweep::problem::not_json;

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
