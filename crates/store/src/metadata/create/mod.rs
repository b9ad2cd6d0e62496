//! Makes a store, extends a store that exists, and marks a store complete.

mod others;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use files::durable;
use serde_json::{Value, json};
use sweep::config::Compression;
use sweep::group::Group;

use crate::error::StoreError;
use crate::metadata::array_metadata::{self, Labels, Sharing};
use crate::metadata::computed_by;
use crate::metadata::facts::{BEGUN, EVALUATION, Facts, LAYERS, PREPROCESSING};
use crate::metadata::inspect::{differences, is_bare};
use crate::metadata::root::{self, METADATA, Nodes, put_json, read_json};
use others::{begun, whole_others, with_others};

/// Removes the metadata of a store of other numbers, if no shard has been written there.
fn clear(group: &Group, facts: &Facts) -> Result<(), StoreError> {
    let Some(found) = root::read(&group.store)? else { return Ok(()) };
    if differences(group, facts, &found).is_empty() || !is_bare(&group.store) {
        return Ok(());
    }
    computed_by::remove_notes(&group.store)?;
    // The root last: until then it is known whose store this is.
    let below = root::consolidated(&found.value).into_keys().chain([root::COPY.to_owned(), String::new()]);
    for file in below.map(|path| group.store.join(path).join(METADATA)) {
        match fs::remove_file(&file) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::Write { path: file, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes the group's store, adds the arrays that the store lacks, and writes damaged metadata anew. Returns the files that were
/// damaged. Call [`crate::inspect`] first.
pub fn create(
    group: &Group,
    facts: &Facts,
    labels: &Labels,
    compression: Compression,
    tag: &str,
) -> Result<Vec<PathBuf>, StoreError> {
    // First of all the root: whose store this is must be known however early the scheduler dies.
    durable::create_folders(&group.store)?;
    clear(group, facts)?;
    let found = root::read(&group.store)?;
    let told = found.as_ref().map(|root| root::consolidated(&root.value)).unwrap_or_default();
    let mut mended: Vec<PathBuf> = Vec::new();
    if found.is_some_and(|root| root.fault.is_some()) {
        mended.push(group.store.join(METADATA));
    }
    let copy = group.store.join(root::COPY).join(METADATA);
    if matches!(read_json(&copy), Err(StoreError::Damaged { .. })) {
        mended.push(copy);
    }
    put_root(group, facts, false, &told, tag)?;
    for (path, choices) in choices(group, labels, compression)? {
        durable::create_folders(&group.store.join(&path))?;
        // As it was made, if that is known: chunks that are there are compressed or not.
        let known = told.get(&path).filter(|known| choices.iter().any(|choice| fits(choice, known)));
        let wanted = known.unwrap_or(&choices[0]);
        mended.extend(mend(
            &group.store.join(&path),
            wanted,
            |found| choices.iter().any(|choice| fits(choice, found)),
            tag,
        )?);
        // Zarr's groups between the root and this array.
        for ancestor in Path::new(&path).ancestors().skip(1).filter(|ancestor| !ancestor.as_os_str().is_empty()) {
            let plain = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
            mended.extend(mend(&group.store.join(ancestor), &plain, |found| fits(&plain, found), tag)?);
        }
    }
    mended.extend(mend_others(group, &told, tag)?);
    put_root(group, facts, false, &told, tag)?;
    Ok(mended)
}

/// Writes damaged metadata of variants that the config no longer asks for, from the copy in the root.
fn mend_others(group: &Group, told: &Nodes, tag: &str) -> Result<Vec<PathBuf>, StoreError> {
    let mut mended = Vec::new();
    for (path, node) in told {
        let folder = group.store.join(path);
        if matches!(read_json(&folder.join(METADATA)), Err(StoreError::Damaged { .. })) {
            mended.extend(mend(&folder, node, |_| true, tag)?);
        }
    }
    Ok(mended)
}

/// Metadata that each array may have, the wanted one first: with and without compression, as the config was when the array was
/// made, and with a chunk for each image, as earlier builds made it.
pub(crate) fn choices(
    group: &Group,
    labels: &Labels,
    compression: Compression,
) -> Result<BTreeMap<String, Vec<Value>>, StoreError> {
    let failed = |error: zarrs::array::ArrayCreateError| StoreError::Damaged {
        path: group.store.join(METADATA),
        reason: error.to_string(),
    };
    let other = if compression == Compression::Zstd { Compression::None } else { Compression::Zstd };
    let mut choices: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for sharing in [Sharing::Several, Sharing::Single] {
        for compression in [compression, other] {
            for (path, metadata) in array_metadata::arrays(group, labels, (compression, sharing)).map_err(failed)? {
                choices.entry(path).or_default().push(metadata);
            }
        }
    }
    Ok(choices)
}

/// Whether the node `found` can stay where `wanted` is needed: both say the same, and `found` may have more attributes.
pub(crate) fn fits(wanted: &Value, found: &Value) -> bool {
    let same = |(name, value): (&String, &Value)| match name.as_str() {
        "attributes" => contains(&found["attributes"], value),
        name => found.get(name) == Some(value),
    };
    wanted.as_object().is_some_and(|wanted| wanted.iter().all(same))
}

/// Whether `found` has every entry of `wanted`, and the same for objects inside objects.
fn contains(found: &Value, wanted: &Value) -> bool {
    match wanted.as_object() {
        Some(wanted) => {
            found.is_object()
                && wanted.iter().all(|(name, value)| found.get(name).is_some_and(|found| contains(found, value)))
        }
        None => found == wanted,
    }
}

/// Writes the metadata of the node in `folder`, unless the metadata there `fits`. Returns the file if it had other content before.
fn mend(
    folder: &Path,
    wanted: &Value,
    fits: impl Fn(&Value) -> bool,
    tag: &str,
) -> Result<Option<PathBuf>, StoreError> {
    let file = folder.join(METADATA);
    let damaged = match read_json(&file) {
        Ok(Some(found)) if fits(&found) => return Ok(None),
        Ok(None) => false,
        Ok(Some(_)) | Err(StoreError::Damaged { .. }) => true,
        Err(error) => return Err(error),
    };
    put_json(&file, wanted, tag)?;
    Ok(damaged.then_some(file))
}

/// Marks the store complete. Every shard and every mean image must have been written, and nobody may be writing.
pub fn finish(group: &Group, facts: &Facts, tag: &str) -> Result<(), StoreError> {
    // What the notes say is in the root before the notes go, and they are gone before the store counts as complete.
    put_root(group, facts, false, &Nodes::new(), tag)?;
    computed_by::remove_notes(&group.store)?;
    put_root(group, facts, true, &Nodes::new(), tag)
}

/// Writes the root's metadata, with the metadata of all arrays consolidated into the root. `told` is the consolidated metadata
/// of the root before.
fn put_root(group: &Group, facts: &Facts, complete: bool, told: &Nodes, tag: &str) -> Result<(), StoreError> {
    let mut provenance = facts.provenance.clone();
    let others = whole_others(group);
    let found = root::read(&group.store)?.map_or(Value::Null, |root| root.value);
    let ours = &found["attributes"]["attrisweep"];
    let layers = ours["provenance"][LAYERS].as_object().into_iter().flatten();
    for (key, layer) in layers.filter(|(key, _)| others.contains(key)) {
        provenance[LAYERS][key] = layer.clone();
    }
    let mut attributes = json!({
        "description": format!("Attribution maps of {} on {} ({} split), noise {}",
            group.model, group.dataset, group.split, group.noise.name),
        "data_flag": group.dataset,
        "model_flag": group.model,
        "noise_name": group.noise.name,
        "split": group.split,
        "zarr_version": 3,
        "attrisweep": {
            "complete": complete,
            "variants": group.variants.iter().map(|variant| variant.key.clone()).chain(others.iter().cloned()).collect::<Vec<_>>(),
            "fingerprint": facts.fingerprint,
            PREPROCESSING: group.preprocessing,
            "provenance": provenance,
            "computed_by": computed_by::of_store(&group.store, ours)?,
        },
    });
    let evaluation = with_others(group, !others.is_empty());
    if !evaluation.is_empty() {
        attributes["attrisweep"][EVALUATION] = json!(evaluation);
    }
    let begun = begun(ours, &evaluation);
    if !begun.is_empty() {
        attributes["attrisweep"][BEGUN] = json!(begun);
    }
    root::put(&group.store, root::root(&attributes, root::nodes(&group.store, told)?), tag)
}
