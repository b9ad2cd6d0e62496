//! What is there: the shards of a group, read from the names of its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use serde_json::Value;
use sweep::group::{Dtype, Group};
use sweep::variant::Variant;

use crate::{StoreError, layout, name};

/// The shards of a group that are there, by array.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    present: BTreeMap<String, BTreeSet<u64>>,
}

impl Ledger {
    /// Looks at the folders of the group's arrays, once each.
    pub fn read(group: &Group) -> Result<Self, StoreError> {
        let mut present = BTreeMap::new();
        for array in shard_arrays(group) {
            let folder = group.store.join(&array);
            let failed = |source| StoreError::Read { path: folder.clone(), source };
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            let names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<Vec<_>, _>>();
            let shards = names.map_err(failed)?.iter().filter_map(|name| shard_of(name.to_str()?)).collect();
            present.insert(array, shards);
        }
        Ok(Self { present })
    }

    /// The file of `shard` of an array with this metadata: `c.3.0.0.0`, a number for each dimension.
    pub(crate) fn file_name(metadata: &Value, shard: u64) -> String {
        let others = metadata["shape"].as_array().map_or(0, Vec::len).saturating_sub(1);
        format!("c.{shard}{}", ".0".repeat(others))
    }

    /// Whether `shard` of `array` is there.
    pub fn has(&self, array: &str, shard: u64) -> bool {
        self.present.get(array).is_some_and(|shards| shards.contains(&shard))
    }

    /// Whether the maps of `variant` and what belongs to them are there for `shard` of `group`.
    pub fn has_variant(&self, group: &Group, variant: &Variant, shard: u64) -> bool {
        variant_arrays(group, variant).iter().all(|array| self.has(array, shard))
    }

    /// Whether all of `shard` that comes before its maps is there.
    pub fn is_predicted(&self, shard: u64) -> bool {
        FIXED.iter().all(|array| self.has(array, shard))
    }

    /// Whether every array of `group` has `shard`.
    pub fn is_done(&self, group: &Group, shard: u64) -> bool {
        shard_arrays(group).iter().all(|array| self.has(array, shard))
    }
}

/// Arrays of a shard that are there before its maps.
const FIXED: [&str; 4] = [name::IMAGES, name::LABELS, name::INDICES, name::PREDICTIONS];

/// Every array of `group` that is written shard by shard.
pub(crate) fn shard_arrays(group: &Group) -> Vec<String> {
    let fixed = FIXED.map(str::to_owned);
    fixed.into_iter().chain(group.variants.iter().flat_map(|variant| variant_arrays(group, variant))).collect()
}

/// The arrays of `variant`. They are written in this order: a map that is there has beside it what
/// belongs to it.
pub(crate) fn variant_arrays(group: &Group, variant: &Variant) -> Vec<String> {
    let half = group.numerics.dtype == Dtype::Float16;
    let underflow = half.then(|| layout::underflow(&variant.key));
    let delta = variant.complete.then(|| layout::convergence_delta(&variant.key));
    delta.into_iter().chain(underflow).chain([layout::attribution(&variant.key)]).collect()
}

/// The shard of a chunk file: 3 of `c.3.0.0.0`.
fn shard_of(file: &str) -> Option<u64> {
    file.strip_prefix("c.")?.split('.').next()?.parse().ok()
}
