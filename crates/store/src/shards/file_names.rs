//! Names of the files of shards, by which the store tells which shards it has.

use std::collections::BTreeSet;
use std::io;

use serde_json::Value;
use sweep::group::Group;

use crate::error::StoreError;
use crate::ledger::{Ledger, shard_arrays};
use crate::packed::tree;
use crate::tensors;

/// Lists the shards of `group` that have files: one look at the folder of each array.
pub(crate) fn present(group: &Group) -> Result<Ledger, StoreError> {
    let arrays = shard_arrays(group).into_iter();
    arrays.map(|array| Ok((array.clone(), shards_of(group, &array)?))).collect()
}

fn shards_of(group: &Group, array: &str) -> Result<BTreeSet<u64>, StoreError> {
    if tensors::is_place(&group.store) {
        let shards = if tensors::file(&group.store, array).is_file() { group.shards() } else { 0 };
        return Ok((0..shards).collect());
    }
    let folder = group.store.join(array);
    let failed = |source| StoreError::Read { path: folder.clone(), source };
    match tree::list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        names => Ok(names.map_err(failed)?.iter().filter_map(|(name, _)| shard_of(name)).collect()),
    }
}

/// Name of the file of `shard`, for an array with this `zarr.json`: `c.3.0.0.0`, a number for each dimension.
pub(crate) fn file_name(metadata: &Value, shard: u64) -> String {
    let others = metadata["shape"].as_array().map_or(0, Vec::len).saturating_sub(1);
    format!("c.{shard}{}", ".0".repeat(others))
}

/// Shard of the file called `file`: 3 of `c.3.0.0.0`.
fn shard_of(file: &str) -> Option<u64> {
    file.strip_prefix("c.")?.split('.').next()?.parse().ok()
}
