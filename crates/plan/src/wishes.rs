//! Wishes of a command line, in place of settings of the config.

use std::path::PathBuf;

use sweep::config::{Config, Devices};

/// Settings that a command line asks for in place of those of the config.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Memory in bytes that a worker on the CPU may hold.
    pub memory: Option<u64>,
    /// Index of the only GPU to use.
    pub gpu: Option<u32>,
    /// Largest number of images of each split.
    pub limit: Option<u64>,
    /// Folder of the stores.
    pub output: Option<PathBuf>,
    /// File of batch sizes.
    pub results: Option<PathBuf>,
    /// Whether stores of other programs are to be checked anew, whatever was adopted of them before.
    pub adopts: bool,
}

impl Wishes {
    /// Puts the wishes in place of the settings of `config`.
    pub fn apply(&self, config: &mut Config) {
        let settings = &mut config.settings;
        settings.memory = self.memory.or(settings.memory);
        settings.devices = self.gpu.map(|gpu| Devices::Gpus(vec![gpu])).or(settings.devices.take());
        settings.limit = self.limit.map(|limit| limit.min(settings.limit.unwrap_or(u64::MAX))).or(settings.limit);
        if let Some(output) = &self.output {
            config.paths.output_dir.clone_from(output);
        }
        if let Some(results) = &self.results {
            // No line of the config names it.
            config.preflight.results_path = Some((results.clone(), 0));
        }
    }
}
