//! Files in a store that no run has written. Nobody may rely on them, and nobody but their owner may remove them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::leftovers;

use crate::metadata::root::METADATA;
use crate::metadata::{Described, computed_by};
use crate::packed::tree;
use crate::tensors;

/// Files and folders in the store that are none of its `nodes`, nor a shard of one.
pub(super) fn strangers(described: &Described, nodes: &BTreeSet<String>) -> Vec<PathBuf> {
    let root = &described.group.store;
    if tensors::is_place(root) {
        return tensors::check::strangers(root, &nodes.iter().map(PathBuf::from).collect::<Vec<_>>());
    }
    let known = nodes.iter().chain(described.consolidated.keys()).map(|path| root.join(path));
    let known: BTreeSet<PathBuf> = known.chain([root.clone()]).collect();
    let mut found = Vec::new();
    for folder in &known {
        let Ok(names) = tree::list(folder) else { continue };
        for path in names.into_iter().map(|(name, _)| folder.join(name)) {
            if !known.contains(&path) && !is_ours(&path, described.group.shards()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Whether a file of this name is one that a run writes.
fn is_ours(file: &Path, shards: u64) -> bool {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return false };
    let is_shard = || {
        let mut numbers = name.strip_prefix("c.")?.split('.').map(|number| number.parse::<u64>().ok());
        let first = numbers.next()??;
        Some(first < shards && numbers.all(|number| number == Some(0)))
    };
    name == METADATA || computed_by::is_note(name) || leftovers::is_temporary(name) || is_shard() == Some(true)
}
