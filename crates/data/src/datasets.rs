//! Datasets of a config: which there are, and where they lie.

use std::path::PathBuf;

use sweep::config::Config;
use sweep::problem::Problems;

use crate::formats::{self, Entry};

/// Where config errors about datasets are told.
pub const KEY: &str = "search_space.data_flags";

/// Flags of the config, each with its line: given, or every `weights_<flag>` of the weights folder.
pub fn flags(config: &Config, problems: &mut Problems) -> Vec<(String, u64)> {
    if !config.search_space.data_flags.is_empty() {
        return config.search_space.data_flags.clone();
    }
    let root = &config.paths.weights_root;
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("weights_").map(str::to_owned));
    let mut flags: Vec<String> = names.collect();
    flags.sort();
    if flags.is_empty() && root.as_os_str() != "" {
        let text = format!("empty, and `{}` has no folder `weights_<flag>`", root.display());
        problems.add(0, KEY, text);
    }
    flags.into_iter().map(|flag| (flag, 0)).collect()
}

/// The file of dataset `flag`, which stands in `line`, and its format.
pub fn locate(
    config: &Config,
    (flag, line): (&str, u64),
    problems: &mut Problems,
) -> Option<(PathBuf, &'static Entry)> {
    let size = config.search_space.image_size;
    let found = formats::locate(&config.paths.data_root, flag, size);
    if let Err(expected) = &found {
        let text = format!("no data for `{flag}` at {size} px: expected `{}`", expected.display());
        problems.add(line, KEY, text);
    }
    found.ok()
}
