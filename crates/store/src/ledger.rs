//! Ledger of a store: the shards that the store has, and the work that these complete.

use std::collections::{BTreeMap, BTreeSet};

use sweep::evaluation::{Axis, Evaluation, Of};
use sweep::group::Group;
use sweep::variant::Variant;

use crate::families::{self, FAMILIES, Family, Members};

/// Shards that a group's store has, by array.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    present: BTreeMap<String, BTreeSet<u64>>,
}

impl FromIterator<(String, BTreeSet<u64>)> for Ledger {
    /// Ledger of these shards, by the paths of their arrays.
    fn from_iter<T: IntoIterator<Item = (String, BTreeSet<u64>)>>(shards: T) -> Self {
        Self { present: shards.into_iter().collect() }
    }
}

impl Ledger {
    /// Whether the store has `shard` of `array`.
    pub fn has(&self, array: &str, shard: u64) -> bool {
        self.present.get(array).is_some_and(|shards| shards.contains(&shard))
    }

    /// Shards of `array` that the store has, in order.
    pub fn shards(&self, array: &str) -> impl Iterator<Item = u64> + use<'_> {
        self.present.get(array).into_iter().flatten().copied()
    }

    /// Whether the store has `shard` of every array of `variant`.
    pub fn has_variant(&self, group: &Group, variant: &Variant, shard: u64) -> bool {
        variant_arrays(group, variant).iter().all(|array| self.has(array, shard))
    }

    /// Whether the store has `shard` of every array that is written before the maps.
    pub fn is_predicted(&self, shard: u64) -> bool {
        of_group().all(|family| self.has(family.path, shard))
    }

    /// Whether the store has `shard` of every array of the evaluation of `group`.
    pub fn is_evaluated(&self, group: &Group, shard: u64) -> bool {
        evaluation_arrays(group).iter().all(|(array, _)| self.has(array, shard))
    }

    /// Whether the store has `shard` of every array of `group`, without its evaluation.
    pub fn is_done(&self, group: &Group, shard: u64) -> bool {
        attribution_arrays(group).iter().all(|array| self.has(array, shard))
    }
}

/// Arrays of a shard that are written before its maps.
fn of_group() -> impl Iterator<Item = &'static Family> {
    FAMILIES.into_iter().filter(|family| matches!(family.members, Members::OfGroup))
}

/// Every array of `group` that is written shard by shard.
pub(crate) fn shard_arrays(group: &Group) -> Vec<String> {
    let of_evaluation = evaluation_arrays(group).into_iter().map(|(array, _)| array);
    attribution_arrays(group).into_iter().chain(of_evaluation).collect()
}

/// Arrays of the evaluation of `group`, in the order of writing, with the axes of one image.
pub(crate) fn evaluation_arrays(group: &Group) -> Vec<(String, &[Axis])> {
    let Evaluation { measurements, scores } = &group.evaluation;
    let measured = measurements.iter().flat_map(|measurement| {
        let paths: Vec<String> = match measurement.of {
            Of::Image => vec![families::measurement(&measurement.key, None)],
            _ => keys(group, &measurement.of).map(|key| families::measurement(&measurement.key, Some(key))).collect(),
        };
        paths.into_iter().map(|path| (path, measurement.axes.as_slice()))
    });
    let scored =
        scores.iter().flat_map(|score| keys(group, &score.of).map(|key| (families::score(&score.key, key), &[][..])));
    measured.chain(scored).collect()
}

/// Keys of the variants of `group` that `of` names.
fn keys<'a>(group: &'a Group, of: &'a Of) -> impl Iterator<Item = &'a str> {
    group.variants.iter().filter(|variant| of.has(variant)).map(|variant| variant.key.as_str())
}

fn attribution_arrays(group: &Group) -> Vec<String> {
    let fixed = of_group().map(|family| family.path.to_owned());
    fixed.chain(group.variants.iter().flat_map(|variant| variant_arrays(group, variant))).collect()
}

/// Arrays of `variant`, in the order of writing: the maps come last.
pub(crate) fn variant_arrays(group: &Group, variant: &Variant) -> Vec<String> {
    let families = FAMILIES.into_iter().filter(|family| family.has(&group.numerics, variant));
    families.map(|family| family.of(&variant.key)).collect()
}
