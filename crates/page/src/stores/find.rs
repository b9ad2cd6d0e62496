//! Places of stores in a folder, in whichever format they are.

use std::fs;
use std::path::{Path, PathBuf};

use store::FORMATS;

/// Places of the stores in `folder`, in order. A folder that cannot be listed has none. Of a store in several formats, all are found.
pub(crate) fn stores(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in children(folder) {
        if is_store(&place) {
            found.push(place);
        } else if place.is_dir() && named(&place) {
            // Some formats have a folder for the stores of a dataset.
            found.extend(children(&place).into_iter().filter(|inner| store::exists(inner)));
        }
    }
    found.sort();
    found
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// Whether the ending of a name is that of a store format.
fn named(place: &Path) -> bool {
    let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    FORMATS.0.iter().any(|format| name.ends_with(format.suffix))
}

fn is_store(place: &Path) -> bool {
    named(place) && store::exists(place)
}
