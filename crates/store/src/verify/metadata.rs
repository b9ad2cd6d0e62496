//! Checks the metadata of a store: each node as this build writes it, and the consolidated metadata equal to the files.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sweep::config::Compression;

use super::report::{Fault, Finding};
use crate::error::StoreError;
use crate::metadata::create::{choices, fits};
use crate::metadata::root::{self, COPY, METADATA, MISSING, copy_of, read_json};
use crate::metadata::seal::{broken, plain};
use crate::metadata::{Described, Labels};
use crate::{families, tensors};

/// Findings about metadata.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    pub(super) sound: u64,
    /// Arrays whose metadata is sound: only their shards can be read.
    pub(super) usable: Vec<String>,
    /// Nodes that a store of this group has.
    pub(super) known: BTreeSet<String>,
    /// Nodes that a finding names already.
    told: BTreeSet<String>,
}

/// Compares every `zarr.json` below the store's root with the metadata that it must have, and with the root's copy.
pub(super) fn check(described: &Described, labels: &Labels) -> Result<Checked, StoreError> {
    if tensors::is_place(&described.group.store) {
        return check_tensors(described, labels);
    }
    let mut checked = Checked::default();
    let mut groups = BTreeSet::new();
    for (path, choices) in &choices(&described.group, labels, Compression::Zstd)? {
        groups.extend(Path::new(path).ancestors().skip(1).map(|above| above.to_string_lossy().into_owned()));
        if checked.accept(described, path, |found| choices.iter().any(|choice| fits(choice, found))) {
            checked.usable.push(path.clone());
        }
    }
    for path in groups.iter().filter(|path| !path.is_empty()) {
        checked.accept(described, path, |found| is_group(described, path, found));
    }
    checked.check_root(described)?;
    Ok(checked)
}

/// Checks every tensor of a store as a whole, and the metadata that the store has beside them. Known nodes are the files.
fn check_tensors(described: &Described, labels: &Labels) -> Result<Checked, StoreError> {
    let (place, mut checked) = (&described.group.store, Checked::default());
    for (path, choices) in &choices(&described.group, labels, Compression::Zstd)? {
        let file = tensors::file(place, path);
        let metadata =
            described.consolidated.get(path).filter(|found| choices.iter().any(|choice| fits(choice, found)));
        let fault = match metadata {
            None => Some(Fault::Unsound(format!("`{}` has other metadata of it", tensors::ROOT))),
            Some(_) if !file.is_file() => Some(Fault::Absent),
            Some(metadata) => tensors::check::fault(&file, metadata).map(Fault::Unsound),
        };
        // Shards of a variant that the last config did not ask for have no tensor, unless they are all there.
        let is_left_out = fault == Some(Fault::Absent) && is_of_other_variant(described, path);
        match fault {
            None => checked.usable.push(path.clone()),
            Some(fault) if !is_left_out => checked.findings.push(Finding { file: file.clone(), fault }),
            Some(_) => {}
        }
        checked.known.insert(file.to_string_lossy().into_owned());
    }
    checked.sound += checked.usable.len() as u64;
    checked.check_root(described)?;
    Ok(checked)
}

fn is_of_other_variant(described: &Described, path: &str) -> bool {
    matches!(families::find(path), Some((family, Some(key))) if family.is_of_variants() && !described.asked.contains(key))
}

/// Whether `found` can be the Zarr group at `path`. The group of the maps has a copy of the root's attributes; in stores of earlier
/// builds the copy also says `complete: false`, or there is none.
fn is_group(described: &Described, path: &str, found: &Value) -> bool {
    let plain = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
    (path != COPY && fits(&plain, found))
        || *found == plain
        || (path == COPY && broken(found).is_none() && copy_of(&found["attributes"]) == copy_of(&described.attributes))
}

/// `metadata` without the batch that earlier builds recorded beside the facts.
fn without_batch(mut metadata: Value) -> Value {
    if let Some(attributes) = metadata.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.remove("batch");
    }
    metadata
}

impl Checked {
    /// Whether the node at `path` exists and `fits`; otherwise the node becomes a finding.
    fn accept(&mut self, described: &Described, path: &str, fits: impl Fn(&Value) -> bool) -> bool {
        let file = described.group.store.join(path).join(METADATA);
        self.known.insert(path.to_owned());
        let fault = match read_json(&file) {
            Ok(Some(found)) if fits(&without_batch(found.clone())) => None,
            Ok(Some(_)) => Some(Fault::Unsound("its metadata is not that of this array".to_owned())),
            Ok(None) => Some(Fault::Absent),
            Err(error) => Some(Fault::Unsound(error.to_string())),
        };
        self.sound += u64::from(fault.is_none());
        let accepted = fault.is_none();
        if !accepted {
            self.told.insert(path.to_owned());
        }
        self.findings.extend(fault.map(|fault| Finding { file, fault }));
        accepted
    }

    /// Compares the root with the files of all nodes: readers go by the root alone.
    fn check_root(&mut self, described: &Described) -> Result<(), StoreError> {
        let folder = &described.group.store;
        let fault = match &described.fault {
            Some(fault) if fault == MISSING => Some(Fault::Absent),
            Some(fault) => Some(Fault::Unsound(fault.clone())),
            None => differing(described, &self.told)?.map(Fault::Unsound),
        };
        self.sound += u64::from(fault.is_none());
        self.findings.extend(fault.map(|fault| Finding { file: root::file(folder), fault }));
        Ok(())
    }
}

/// Sentence on the nodes whose files differ from their copies in the root, without the nodes that a finding names `already`.
fn differing(described: &Described, already: &BTreeSet<String>) -> Result<Option<String>, StoreError> {
    let told = &described.consolidated;
    let on_disk = root::nodes(&described.group.store, told)?.into_iter();
    // A node of which the root knows nothing is not ours.
    let differs = |(path, file): &(String, Value)| {
        told.get(path).is_some_and(|told| plain(told) != plain(file)) && !already.contains(path)
    };
    let differing: Vec<String> = on_disk.filter(differs).map(|(path, _)| path).collect();
    let first = differing.first();
    Ok(first
        .map(|first| format!("its consolidated metadata is not that of {} nodes, `{first}` first", differing.len())))
}
