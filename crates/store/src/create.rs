//! Making a store, going on with one, and closing it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};
use sweep::config::Compression;
use sweep::fingerprint::{self, Fingerprint};
use sweep::group::Group;
use sweep::variant::Variant;

use crate::layout::{self, Labels};
use crate::{StoreError, durable};

/// What a store's root attributes say beside the names of its group.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What determines every number.
    pub fingerprint: Fingerprint,
    /// Who wrote it, with what, where: told, not compared.
    pub provenance: Value,
}

/// What is at the group's place: `None` for nothing, `Some(complete)` for a store that can be gone on
/// with: it has the same numbers, for as many images or for fewer. Nothing is written.
///
/// # Errors
/// [`StoreError::Foreign`] for anything else, [`StoreError::Mismatch`] for a store of other numbers.
pub fn inspect(group: &Group, facts: &Facts) -> Result<Option<bool>, StoreError> {
    let Some(root) = read_json(&group.store.join(METADATA))? else {
        let ours = |entry: fs::DirEntry| durable::is_unfinished(&entry.file_name().to_string_lossy());
        let occupied = fs::read_dir(&group.store).is_ok_and(|entries| entries.flatten().any(|entry| !ours(entry)));
        return if occupied { Err(StoreError::Foreign { path: group.store.clone() }) } else { Ok(None) };
    };
    let ours = &root["attributes"]["attrisweep"];
    if !ours.is_object() {
        return Err(StoreError::Foreign { path: group.store.clone() });
    }
    let stored = &ours["fingerprint"];
    let mut wanted = facts.fingerprint.clone();
    // More images than the store has are no other numbers: it grows.
    let grows = stored["images"].as_u64().is_some_and(|images| images < group.images);
    if grows {
        wanted.remove("images");
    }
    let mut differences = fingerprint::differences(stored, &wanted);
    for variant in &group.variants {
        let array = read_json(&group.store.join(layout::attribution(&variant.key)).join(METADATA))?;
        if let Some(array) = array {
            let of_array =
                fingerprint::differences(&array["attributes"]["attrisweep"], &fingerprint::of_variant(group, variant));
            differences.extend(of_array.into_iter().map(|difference| format!("{}: {difference}", variant.key)));
        }
    }
    if differences.is_empty() {
        // A store that was completed for fewer variants is not complete for these.
        let speaks_of =
            |variant: &Variant| ours["variants"].as_array().is_some_and(|keys| keys.contains(&json!(variant.key)));
        let complete = ours["complete"] == true && group.variants.iter().all(speaks_of);
        return Ok(Some(complete && !grows && is_whole(group, &root)));
    }
    Err(StoreError::Mismatch { path: group.store.clone(), differences })
}

/// Whether the metadata of every array that `root` tells of is there, and every mean image: a file that somebody
/// deletes is made anew like a shard.
fn is_whole(group: &Group, root: &Value) -> bool {
    let told = root["consolidated_metadata"]["metadata"].as_object();
    told.into_iter().flat_map(Map::keys).all(|path| {
        let folder = group.store.join(path);
        let is_mean = path.starts_with("means/");
        folder.join(METADATA).is_file() && (!is_mean || folder.join(layout::MEAN_FILE).is_file())
    })
}

/// Makes the group's store, or adds to it the arrays that it lacks. Call [`inspect`] first.
pub fn create(
    group: &Group,
    facts: &Facts,
    labels: &Labels,
    compression: Compression,
    tag: &str,
) -> Result<(), StoreError> {
    let failed = |error: zarrs::array::ArrayCreateError| StoreError::Damaged {
        path: group.store.clone(),
        reason: error.to_string(),
    };
    // First of all the root: whose store this is must be known however early the scheduler dies.
    durable::create_folders(&group.store)?;
    put_root(group, facts, false, tag)?;
    for (path, metadata) in layout::arrays(group, labels, compression).map_err(failed)? {
        let folder = group.store.join(&path);
        durable::create_folders(&folder)?;
        if !folder.join(METADATA).is_file() {
            put_json(&folder.join(METADATA), &metadata, tag)?;
        }
        // Zarr's groups between the root and this array.
        for ancestor in Path::new(&path).ancestors().skip(1).filter(|ancestor| !ancestor.as_os_str().is_empty()) {
            let file = group.store.join(ancestor).join(METADATA);
            if !file.is_file() {
                put_json(&file, &json!({"zarr_format": 3, "node_type": "group", "attributes": {}}), tag)?;
            }
        }
    }
    put_root(group, facts, false, tag)
}

/// Marks the store complete: every shard and every mean image is there.
pub fn finish(group: &Group, facts: &Facts, tag: &str) -> Result<(), StoreError> {
    put_root(group, facts, true, tag)
}

/// The file that holds the metadata of a node.
pub(crate) const METADATA: &str = "zarr.json";

/// Writes the root's metadata, with that of all arrays below consolidated into it.
///
/// The JSON is copied as it is: passing it through zarrs' types turns `{"name": "crc32c"}` into
/// `"crc32c"`, which zarr-python 3.1 refuses.
fn put_root(group: &Group, facts: &Facts, complete: bool, tag: &str) -> Result<(), StoreError> {
    let mut below: Map<String, Value> = nodes(&group.store, &group.store)?.into_iter().collect();
    below.sort_keys();
    let root = json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            "description": format!("Attribution maps of {} on {} ({} split), noise {}",
                group.model, group.dataset, group.split, group.noise.name),
            "data_flag": group.dataset,
            "model_flag": group.model,
            "noise_name": group.noise.name,
            "split": group.split,
            "zarr_version": 3,
            "attrisweep": {
                "complete": complete,
                "variants": group.variants.iter().map(|variant| &variant.key).collect::<Vec<_>>(),
                "fingerprint": facts.fingerprint,
                "provenance": facts.provenance,
            },
        },
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": below},
    });
    let file = group.store.join(METADATA);
    if read_json(&file)?.as_ref() == Some(&root) {
        return Ok(());
    }
    put_json(&file, &root, tag)
}

/// Metadata of every group and array of the store in `root`, by path.
pub(crate) fn nodes_of(root: &Path) -> Result<BTreeMap<String, Value>, StoreError> {
    Ok(nodes(root, root)?.into_iter().collect())
}

/// Path and metadata of every group and array below `folder`.
fn nodes(root: &Path, folder: &Path) -> Result<Vec<(String, Value)>, StoreError> {
    let failed = |source| StoreError::Read { path: folder.to_owned(), source };
    let mut list = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().map_err(failed)?.is_dir() {
            continue;
        }
        if let Some(metadata) = read_json(&entry.path().join(METADATA))? {
            let path = entry.path();
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let is_group = metadata["node_type"] == "group";
            list.push((path, metadata));
            if is_group {
                list.extend(nodes(root, &entry.path())?);
            }
        }
    }
    Ok(list)
}

/// The JSON in `file`; `None` where there is none.
pub(crate) fn read_json(file: &Path) -> Result<Option<Value>, StoreError> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StoreError::Damaged { path: file.to_owned(), reason: format!("not JSON: {error}") }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Read { path: file.to_owned(), source }),
    }
}

pub(crate) fn put_json(file: &Path, value: &Value, tag: &str) -> Result<(), StoreError> {
    durable::put(file, format!("{value:#}\n").as_bytes(), tag)
}
