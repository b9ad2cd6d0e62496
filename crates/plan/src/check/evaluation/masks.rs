//! Masks of objects: whether they are there, and fit the images.

use std::collections::BTreeMap;
use std::path::Path;

use data::formats::{self, Options};
use sweep::config::Config;
use sweep::group::{Group, Masks};
use sweep::problem::Problems;

/// Key of the folder of masks.
const KEY: &str = "paths.masks_root";

/// Masks by dataset and split.
pub(super) type Found = BTreeMap<(String, String), Masks>;

/// Finds the masks of each dataset and split of `groups`, where a config with metrics names a folder of masks.
pub(super) fn find<'a>(config: &Config, groups: impl Iterator<Item = &'a Group>, problems: &mut Problems) -> Found {
    let mut found = Found::new();
    let Some(root) = config.paths.masks_root.as_deref().filter(|_| !config.evaluation.is_empty()) else { return found };
    let mut told = Vec::new();
    for group in groups {
        let key = (group.dataset.clone(), group.split.clone());
        if found.contains_key(&key) || told.contains(&key) {
            continue;
        }
        match of_group(root, group) {
            Ok(masks) => drop(found.insert(key, masks)),
            Err(text) => {
                problems.add(0, KEY, text);
                told.push(key);
            }
        }
    }
    found
}

/// Masks below `root` of the images of `group`; the error is one sentence.
fn of_group(root: &Path, group: &Group) -> Result<Masks, String> {
    let (file, entry) = formats::locate(root, &group.dataset, group.shape[1])
        .map_err(|expected| format!("no masks of `{}`, expected `{}`", group.dataset, expected.display()))?;
    // They would be scaled and cut, as pictures that people take are.
    if entry.name == "image_folder" {
        return Err(format!(
            "`{}` is a folder of pictures, expected masks as an array: npz, npy, Zarr or idx",
            file.display()
        ));
    }
    let source = entry.open(&file, &group.split, &Options::of_masks(group)).map_err(|error| error.to_string())?;
    let [height, width, _] = source.shape();
    if [height, width] != group.shape[1..] || source.len() < group.images {
        return Err(format!(
            "`{}` has {} masks of {height}x{width} px in its split `{}`, expected {} of {}x{} px",
            file.display(),
            source.len(),
            group.split,
            group.images,
            group.shape[1],
            group.shape[2]
        ));
    }
    Ok(Masks { file, format: entry.name.to_owned(), content: source.content() })
}
