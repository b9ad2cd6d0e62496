//! Batch sizes: `batch_size` of the config, else the results of preflight, else a cautious number.

use std::collections::BTreeMap;
use std::path::Path;

use sweep::config::Config;
use sweep::problem::Problems;

/// Images at once where nothing is known: little memory, and cores are busy all the same.
const CAUTIOUS: usize = 16;

/// Where batch sizes are looked up.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    fixed: Option<usize>,
    /// Model -> method key -> images.
    measured: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Batches {
    /// Reads `preflight_results.json` where the config names one and it is there.
    pub(crate) fn read(config: &Config, problems: &mut Problems) -> Self {
        let fixed = config.settings.batch_size;
        let Some((file, line)) = config.preflight.results_path.as_ref().filter(|(file, _)| file.is_file()) else {
            return Self { fixed, measured: BTreeMap::new() };
        };
        match measured(file) {
            Ok(measured) => Self { fixed, measured },
            Err(reason) => {
                let text = format!("`{}`: {reason}, expected model -> method key -> batch size", file.display());
                problems.add(*line, "preflight_check.results_path", text);
                Self::default()
            }
        }
    }

    /// Images of `model` that are attributed at once by the variant called `key`.
    pub(crate) fn of(&self, model: &str, key: &str) -> usize {
        let measured = self.measured.get(model).and_then(|methods| methods.get(key)).copied();
        // The reference writes 0 for what did not fit at all, and silently skips it: one image is tried.
        self.fixed.or(measured).unwrap_or(CAUTIOUS).max(1)
    }
}

fn measured(file: &Path) -> Result<BTreeMap<String, BTreeMap<String, usize>>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
