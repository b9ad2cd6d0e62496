//! Whether the metadata of a store is what this build writes, and is consolidated as it stands on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use sweep::config::Compression;

use super::{Fault, Finding};
use crate::create::{METADATA, nodes_of, read_json};
use crate::{Described, Labels, StoreError, layout};

/// What was found out about metadata.
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    pub(super) sound: u64,
    /// Arrays whose metadata is sound: only what lies below can be read.
    pub(super) usable: Vec<String>,
}

/// Compares every `zarr.json` below the store's root with what it must be, and with the root's copy of it.
pub(super) fn check(described: &Described, labels: &Labels) -> Result<Checked, StoreError> {
    let mut checked = Checked { findings: Vec::new(), sound: 1, usable: Vec::new() };
    let expected = expected(described, labels)?;
    let mut groups = BTreeSet::new();
    for (path, choices) in &expected {
        groups.extend(Path::new(path).ancestors().skip(1).map(|above| above.to_string_lossy().into_owned()));
        if checked.accept(described, path, |found| choices.contains(found)) {
            checked.usable.push(path.clone());
        }
    }
    for path in groups.iter().filter(|path| !path.is_empty()) {
        checked.accept(described, path, |found| found["node_type"] == "group" && found["zarr_format"] == 3);
    }
    checked.compare_consolidated(described)?;
    Ok(checked)
}

/// For each array what its metadata may be: compressed or not, as the config has said when it was made.
fn expected(described: &Described, labels: &Labels) -> Result<BTreeMap<String, Vec<Value>>, StoreError> {
    let failed = |error: zarrs::array::ArrayCreateError| StoreError::Damaged {
        path: described.group.store.join(METADATA),
        reason: error.to_string(),
    };
    let mut choices: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for compression in [Compression::Zstd, Compression::None] {
        for (path, metadata) in layout::arrays(&described.group, labels, compression).map_err(failed)? {
            choices.entry(path).or_default().push(metadata);
        }
    }
    Ok(choices)
}

/// `metadata` without the batch that earlier builds recorded beside the facts.
fn without_batch(mut metadata: Value) -> Value {
    if let Some(attributes) = metadata.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.remove("batch");
    }
    metadata
}

impl Checked {
    /// Whether the node at `path` is there and `fits`; it is a finding if not.
    fn accept(&mut self, described: &Described, path: &str, fits: impl Fn(&Value) -> bool) -> bool {
        let file = described.group.store.join(path).join(METADATA);
        let fault = match read_json(&file) {
            Ok(Some(found)) if fits(&without_batch(found.clone())) => None,
            Ok(Some(_)) => Some(Fault::Unsound("its metadata is not that of this array".to_owned())),
            Ok(None) => Some(Fault::Absent),
            Err(error) => Some(Fault::Unsound(error.to_string())),
        };
        self.sound += u64::from(fault.is_none());
        let accepted = fault.is_none();
        self.findings.extend(fault.map(|fault| Finding { file, fault }));
        accepted
    }

    /// Readers go by the root alone: it must say what the files say, of every node that is there.
    fn compare_consolidated(&mut self, described: &Described) -> Result<(), StoreError> {
        let root = &described.group.store;
        let on_disk = match nodes_of(root) {
            // A file that is no JSON has been told of already.
            Err(StoreError::Damaged { .. }) => return Ok(()),
            nodes => nodes?,
        };
        // A file that is not there has been told of already.
        let differs =
            |path: &&String| on_disk.get(*path).is_some_and(|file| described.consolidated.get(*path) != Some(file));
        let paths: BTreeSet<&String> = described.consolidated.keys().chain(on_disk.keys()).collect();
        let differing: Vec<&str> = paths.iter().copied().filter(differs).map(String::as_str).collect();
        if let Some(first) = differing.first() {
            let text = format!("its consolidated metadata is not that of {} nodes, `{first}` first", differing.len());
            self.findings.push(Finding { file: root.join(METADATA), fault: Fault::Unsound(text) });
        }
        Ok(())
    }
}
