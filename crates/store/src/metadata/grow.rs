//! Growth of a store after the config's `limit` was raised. Whole shards stay; a short last shard is made anew.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;
use sweep::group::Group;

use super::describe::describe;
use super::reopen::reopen;
use super::root::{self, METADATA, put_json};
use crate::error::StoreError;
use crate::families;
use crate::shards::file_name;

/// Makes room for the images of `group` in a store that was made for fewer images. [`crate::create`] must follow.
///
/// The order can be cut off anywhere: the store is marked incomplete, the shards that are made anew are removed, the arrays grow,
/// and last the root gets the new number of images. Until then the next start grows the store from the beginning, and no worker
/// gets a unit. A store that has as many images is left alone.
pub fn grow(group: &Group, tag: &str) -> Result<(), StoreError> {
    let Some(stored) = describe(&group.store)? else { return Ok(()) };
    let before = stored.group.images;
    if before >= group.images {
        return Ok(());
    }
    reopen(&stored.group.store, tag)?;
    let Some(root::Root { value: mut root, .. }) = root::read(&group.store)? else { return Ok(()) };
    let nodes = root::nodes(&group.store, &root::consolidated(&root))?;
    let short = (!before.is_multiple_of(group.shard)).then_some(before / group.shard);
    for (path, metadata) in &nodes {
        let of_images = metadata["dimension_names"][0] == "sample";
        // Means are those of all images.
        let stale = if of_images { short } else { is_mean(path).then_some(0) };
        if let Some(shard) = stale {
            remove(group, path, metadata, shard)?;
        }
        if of_images && metadata["shape"][0] != group.images {
            let mut larger = metadata.clone();
            larger["shape"][0] = group.images.into();
            put_json(&group.store.join(path).join(METADATA), &larger, tag)?;
        }
    }
    root["attributes"]["attrisweep"]["fingerprint"]["images"] = group.images.into();
    root::put(&group.store, root, tag)
}

/// Whether the node at `path` is a mean image.
fn is_mean(path: &str) -> bool {
    families::find(path).is_some_and(|(family, member)| family.is_of_classes() && member.is_some())
}

/// Removes `shard` of the array at `path`.
fn remove(group: &Group, path: &str, metadata: &Value, shard: u64) -> Result<(), StoreError> {
    let file: PathBuf = group.store.join(path).join(file_name(metadata, shard));
    match fs::remove_file(&file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::Write { path: file, source }),
        _ => Ok(()),
    }
}
