//! What is there: the shards of a group, read from the names of its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use sweep::group::{Dtype, Group};

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

    /// Whether `shard` of `array` is there.
    pub fn has(&self, array: &str, shard: u64) -> bool {
        self.present.get(array).is_some_and(|shards| shards.contains(&shard))
    }

    /// Whether every array of `group` has `shard`.
    pub fn is_done(&self, group: &Group, shard: u64) -> bool {
        shard_arrays(group).iter().all(|array| self.has(array, shard))
    }
}

/// Every array of `group` that is written shard by shard. A variant's map comes after its underflow,
/// so that a map that is there has its underflow beside it.
pub(crate) fn shard_arrays(group: &Group) -> Vec<String> {
    let fixed = [name::IMAGES, name::LABELS, name::INDICES, name::PREDICTIONS].map(str::to_owned);
    let half = group.numerics.dtype == Dtype::Float16;
    let of_variant = |key: &str| {
        let beside = half.then(|| layout::underflow(key));
        beside.into_iter().chain([layout::attribution(key)])
    };
    fixed.into_iter().chain(group.variants.iter().flat_map(|variant| of_variant(&variant.key))).collect()
}

/// The shard of a chunk file: 3 of `c.3.0.0.0`.
fn shard_of(file: &str) -> Option<u64> {
    file.strip_prefix("c.")?.split('.').next()?.parse().ok()
}
