//! Metadata of the root: the facts that the store was made of, and the consolidated metadata of all arrays, sealed by a digest.
//!
//! Only the root says what the shards were computed from. So the Zarr group of the maps has a copy of the root's attributes, from
//! which a lost or damaged root is made anew, and no shard is touched.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use files::durable;
use serde_json::{Map, Value, json};
use sweep::problem::not_json;

use super::seal::{bare, broken, is_ours, sealed, tells_others, with_others};
use super::unfinished::mark;
use crate::error::StoreError;
use crate::families::ATTRIBUTIONS;
use crate::packed::tree;
use crate::tensors;

/// Name of the file that has the metadata of a node.
pub(crate) const METADATA: &str = "zarr.json";

/// Path of the Zarr group that has the copy.
pub(crate) const COPY: &str = ATTRIBUTIONS.path;

/// Metadata of nodes, by path.
pub(crate) type Nodes = BTreeMap<String, Value>;

/// Root of a store.
pub(crate) struct Root {
    /// Content of the root's file, or of the copy.
    pub(crate) value: Value,
    /// Reason for which the root's file cannot be believed, in a sentence; `None` for a sound file.
    pub(crate) fault: Option<String>,
}

/// Fault of a root that does not exist.
pub(crate) const MISSING: &str = "it is missing";

/// Reads the root of the store in `folder`, from the copy if need be; `None` where neither exists.
///
/// # Errors
/// [`StoreError::Foreign`] for a store of somebody else, [`StoreError::Headless`] for one without a root to believe,
/// [`StoreError::Packed`] for a zip of another program, and for a zip beside a folder without a root.
pub(crate) fn read(folder: &Path) -> Result<Option<Root>, StoreError> {
    let found = believed(folder);
    if !tree::is_zip(folder) {
        return found;
    }
    let packed = || Err(StoreError::Packed { path: folder.to_owned() });
    match found {
        Ok(None) | Err(StoreError::Theirs { .. } | StoreError::Foreign { .. }) => packed(),
        Err(StoreError::Read { source, .. }) if source.kind() == io::ErrorKind::InvalidData => packed(),
        found => found,
    }
}

/// File of the root of the store in `folder`.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(if tensors::is_place(folder) { tensors::ROOT } else { METADATA })
}

fn believed(folder: &Path) -> Result<Option<Root>, StoreError> {
    let file = file(folder);
    let found = match read_json(&file) {
        Err(StoreError::Damaged { reason, .. }) => Err(reason),
        found => Ok(found?),
    };
    let is_foreign = matches!(&found, Ok(Some(root)) if !is_ours(root));
    let fault = match found {
        Ok(Some(value)) if is_ours(&value) => match broken(&value) {
            None => return Ok(Some(Root { value, fault: None })),
            Some(fault) => fault,
        },
        Ok(Some(_)) => "it is not that of a store of attrisweep".to_owned(),
        Ok(None) => MISSING.to_owned(),
        Err(reason) => reason,
    };
    let copy = read_json(&folder.join(COPY).join(METADATA)).ok().flatten();
    let copy = copy.filter(|copy| is_ours(copy) && broken(copy).is_none());
    match copy {
        Some(copy) => {
            let value = root(&copy["attributes"], nodes(folder, &Nodes::new())?);
            Ok(Some(Root { value, fault: Some(fault) }))
        }
        None if fault == MISSING && is_theirs(folder) => Err(StoreError::Theirs { path: folder.to_owned() }),
        None if fault == MISSING && has_shards(folder, 2) => {
            let reason = format!("it is missing, as is its copy below `{COPY}`, and shards are there");
            Err(StoreError::Headless { path: file, reason })
        }
        None if fault == MISSING && zip_of(folder).is_file() => Err(StoreError::Packed { path: zip_of(folder) }),
        None if fault == MISSING => Ok(None),
        None if is_theirs(folder) => Err(StoreError::Theirs { path: folder.to_owned() }),
        None if is_foreign => Err(StoreError::Foreign { path: folder.to_owned() }),
        None => Err(StoreError::Headless { path: file, reason: fault }),
    }
}

/// Path of the zip into which the store in `folder` may have been packed.
fn zip_of(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".zip");
    name.into()
}

/// Whether `folder` is a Zarr group of another program that has its maps in the same place. Zarr version 2 has no `zarr.json`.
fn is_theirs(folder: &Path) -> bool {
    let is_group = |folder: &Path| {
        let of_version_3 = || read_json(&folder.join(METADATA)).ok().flatten();
        tree::is_file(&folder.join(".zgroup"))
            || of_version_3().is_some_and(|node| node["node_type"] == "group" && !is_ours(&node))
    };
    is_group(folder) && is_group(&folder.join(COPY))
}

/// Whether a shard exists below `folder`, at most `depth` folders down.
pub(crate) fn has_shards(folder: &Path, depth: usize) -> bool {
    tree::list(folder).into_iter().flatten().any(|(name, is_folder)| {
        if is_folder {
            depth > 0 && has_shards(&folder.join(name), depth - 1)
        } else {
            depth < 2 && name.starts_with("c.")
        }
    })
}

/// Writes `root`, sealed, and its copy before. A file with the same content is left alone, and so are attributes that another
/// program has added. Both say so while the store is unfinished.
pub(crate) fn put(folder: &Path, mut root: Value, tag: &str) -> Result<(), StoreError> {
    let (group, complete) = (folder.join(COPY), root["attributes"]["attrisweep"]["complete"] == true);
    if group.is_dir() {
        let copy = put_if_changed(&group.join(METADATA), copy_of(&root["attributes"]), complete, tag)?;
        // Readers who go by the root are told the same.
        if let Some(told) = root["consolidated_metadata"]["metadata"].get_mut(COPY) {
            *told = copy;
        }
    }
    put_if_changed(&folder.join(METADATA), root, complete, tag).map(|_| ())
}

/// Root with these `attributes`, and with `nodes` as its consolidated metadata.
///
/// The JSON is copied as it is: passing it through zarrs' types turns `{"name": "crc32c"}` into
/// `"crc32c"`, which zarr-python 3.1 refuses.
pub(crate) fn root(attributes: &Value, nodes: Nodes) -> Value {
    let below: Map<String, Value> = nodes.into_iter().collect();
    json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": attributes,
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": below},
    })
}

/// Node with the copy of the root's `attributes`, without `complete`, which the root alone has.
pub(crate) fn copy_of(attributes: &Value) -> Value {
    let mut copy = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    if let Some(ours) = copy["attributes"]["attrisweep"].as_object_mut() {
        ours.shift_remove("complete");
    }
    sealed(bare(copy))
}

/// Consolidated metadata of `root`.
pub(crate) fn consolidated(root: &Value) -> Nodes {
    root["consolidated_metadata"]["metadata"].as_object().cloned().unwrap_or_default().into_iter().collect()
}

/// Metadata of every Zarr group and array of the store in `folder`, by path. For a file that is no JSON, the entry of `told` is
/// taken.
pub(crate) fn nodes(folder: &Path, told: &Nodes) -> Result<Nodes, StoreError> {
    let mut found = Nodes::new();
    collect(folder, folder, told, &mut found)?;
    Ok(found)
}

fn collect(root: &Path, folder: &Path, told: &Nodes, found: &mut Nodes) -> Result<(), StoreError> {
    let failed = |source| StoreError::Read { path: folder.to_owned(), source };
    for (name, _) in tree::list(folder).map_err(failed)?.into_iter().filter(|(_, is_folder)| *is_folder) {
        let below = folder.join(name);
        let path = below.strip_prefix(root).unwrap_or(&below).to_string_lossy().into_owned();
        let metadata = match read_json(&below.join(METADATA)) {
            Err(StoreError::Damaged { .. }) => told.get(&path).cloned(),
            metadata => metadata?,
        };
        let Some(metadata) = metadata else { continue };
        if metadata["node_type"] == "group" {
            collect(root, &below, told, found)?;
        }
        found.insert(path, metadata);
    }
    Ok(())
}

/// Reads the JSON in `file`; `None` where no file exists.
pub(crate) fn read_json(file: &Path) -> Result<Option<Value>, StoreError> {
    match tree::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StoreError::Damaged { path: file.to_owned(), reason: not_json(&error) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            Err(StoreError::Damaged { path: file.to_owned(), reason: "it is a folder".to_owned() })
        }
        Err(source) => Err(StoreError::Read { path: file.to_owned(), source }),
    }
}

pub(crate) fn put_json(file: &Path, value: &Value, tag: &str) -> Result<(), StoreError> {
    Ok(durable::put(file, format!("{value:#}\n").as_bytes(), tag)?)
}

/// Writes `value`, sealed, together with the attributes that another program has added to `file`. Returns the new content.
fn put_if_changed(file: &Path, value: Value, complete: bool, tag: &str) -> Result<Value, StoreError> {
    let found = read_json(file).ok().flatten();
    let theirs = found.as_ref().filter(|found| is_ours(found) && tells_others(found));
    let mut value = sealed(match theirs {
        Some(found) => with_others(value, found),
        None => value,
    });
    mark(&mut value, complete);
    if found.as_ref() != Some(&value) {
        put_json(file, &value, tag)?;
    }
    Ok(value)
}
