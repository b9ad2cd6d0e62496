//! Datasets of a config: their flags and their places.

use std::path::PathBuf;

use sweep::config::{Config, INPUT_ZARR, Split};
use sweep::group::store_name;
use sweep::problem::Problems;

use crate::formats::{self, Entry, FORMATS};

/// Key of the config at which mistakes about datasets are reported.
pub const KEY: &str = "search_space.data_flags";

/// Flags of the config, each with its line. A config without flags has every `weights_<flag>` of the weights folder for which data
/// exists.
pub fn flags(config: &Config, problems: &mut Problems) -> Vec<(String, u64)> {
    let all = named(config, problems);
    let fit: Vec<_> = all.iter().filter(|(flag, _)| unfit(config, flag).is_none()).cloned().collect();
    if fit.is_empty() && !all.is_empty() {
        problems.add(0, KEY, format!("empty, and nothing is left of it: {}", skipped(config).join("; ")));
    }
    fit
}

/// Flags like [`flags`], and also those without data: the data may have existed once.
pub fn named(config: &Config, problems: &mut Problems) -> Vec<(String, u64)> {
    let named = all_named(config, problems);
    if config.paths.data_key == INPUT_ZARR && named.len() > 1 {
        let text = format!(
            "one Zarr is one dataset, and there are {} of them; name one in `search_space.data_flags`, or give `data_root`",
            named.len()
        );
        problems.add(0, INPUT_ZARR, text);
    }
    named
}

fn all_named(config: &Config, problems: &mut Problems) -> Vec<(String, u64)> {
    if !config.search_space.data_flags.is_empty() {
        return config.search_space.data_flags.clone();
    }
    let (root, flags) = (&config.paths.weights_root, folders(config));
    if flags.is_empty() && root.as_os_str() != "" {
        if root.is_dir() {
            let text = format!("empty, and `{}` has no folder `weights_<flag>`", root.display());
            problems.add(0, KEY, text);
        } else {
            let text = format!("no folder `{}`, expected that of the weights", root.display());
            problems.add(0, config.paths.weights_key, text);
        }
    }
    flags.into_iter().map(|flag| (flag, 0)).collect()
}

/// Sentence for each folder of weights that is left out, in a config that names no dataset.
pub fn skipped(config: &Config) -> Vec<String> {
    let told = |flag: &String| {
        let folder = config.paths.weights_root.join(format!("weights_{flag}"));
        unfit(config, flag).map(|reason| format!("`{}` is left out: {reason}", folder.display()))
    };
    folders(config).iter().filter_map(told).collect()
}

/// Flags of the folders `weights_<flag>`, for a config without flags; otherwise none.
fn folders(config: &Config) -> Vec<String> {
    if !config.search_space.data_flags.is_empty() {
        return Vec::new();
    }
    let entries = std::fs::read_dir(&config.paths.weights_root).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("weights_").map(str::to_owned));
    let mut flags: Vec<String> = names.collect();
    flags.sort();
    flags
}

/// Reason for which a dataset is left out that only a folder of weights names; `None` for a dataset that the config names. A missing
/// folder of data is a mistake of its own.
pub fn unfit(config: &Config, flag: &str) -> Option<String> {
    let root = &config.paths.data_root;
    if !config.search_space.data_flags.is_empty() || !root.is_dir() {
        return None;
    }
    if flag.ends_with("3d") {
        return Some(format!(
            "`{flag}` has volumes, and images are explained; name it in `data_flags` if it has images"
        ));
    }
    if config.paths.data_key == INPUT_ZARR {
        // Whether the root is a Zarr is no question of the flag.
        return None;
    }
    let expected = place(config, flag).err()?;
    Some(format!("there is no `{}`", expected.display()))
}

/// Place of dataset `flag` and its format: the Zarr that `paths.input_zarr_path` names, or else what lies below `paths.data_root`. The
/// error is the place where the dataset was expected.
pub fn place(config: &Config, flag: &str) -> Result<(PathBuf, &'static Entry), PathBuf> {
    let root = &config.paths.data_root;
    if config.paths.data_key == INPUT_ZARR {
        // Datasets that lie in the folder are not meant.
        return formats::zarr_at(root).ok_or_else(|| root.clone());
    }
    FORMATS.locate(root, flag, config.search_space.image_size)
}

/// Place of the store whose images, labels and predictions are taken for `split` of dataset `flag`, with `model` and `noise`; `None` where
/// the config names no folder of such stores. The error is the place where the store was expected.
pub fn base(
    config: &Config,
    flag: &str,
    split: Split,
    (model, noise): (&str, &str),
) -> Option<Result<(PathBuf, &'static Entry), PathBuf>> {
    let (folder, _) = config.paths.bases.of(model)?;
    Some(formats::base_in(folder, &store_name(flag, model, noise, split.name())))
}

/// Place of dataset `flag` and its format. `line` is the line of the flag in the config.
pub fn locate(
    config: &Config,
    (flag, line): (&str, u64),
    problems: &mut Problems,
) -> Option<(PathBuf, &'static Entry)> {
    let root = &config.paths.data_root;
    if root.as_os_str().is_empty() {
        // That the root is missing has been told, and everything that lies below it is missing with it.
        return None;
    }
    if config.paths.data_key == INPUT_ZARR {
        let found = place(config, flag).ok();
        if found.is_none() {
            let what = if root.exists() { "is no" } else { "is not there, expected a" };
            let text =
                format!("`{}` {what} Zarr: a folder with `zarr.json` or `.zgroup`, or a `.zarr.zip`", root.display());
            problems.add(0, INPUT_ZARR, text);
        }
        return found;
    }
    if !root.is_dir() {
        problems.add(0, config.paths.data_key, format!("no folder `{}`, expected that of the data", root.display()));
        return None;
    }
    let size = config.search_space.image_size;
    let found = place(config, flag);
    if let Err(expected) = &found {
        let mut text =
            format!("no data for `{flag}` at {size} px: expected `{}`, or another format", expected.display());
        let folder = root.join(flag);
        if folder.is_dir() {
            text = format!("{text}; `{}` is there and is laid out like none", folder.display());
        } else if formats::zarr_at(root).is_some() {
            text =
                format!("{text}; `{}` itself is laid out like a Zarr, which `{INPUT_ZARR}` can name", root.display());
        }
        problems.add(line, KEY, text);
    }
    found.ok()
}

#[cfg(test)]
mod tests;
