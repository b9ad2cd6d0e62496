//! Cells of the grid: what a store has of each variant, and what failed or runs there.

use std::collections::{BTreeMap, BTreeSet};

use store::{Ledger, attribution};
use sweep::group::Group;
use sweep::unit::UnitId;
use sweep::variant::Variant;

use crate::live::Failed;

/// Units of a folder that need a mark in the grid.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Units whose last attempt failed.
    pub failed: Vec<Failed>,
    /// Units that workers hold.
    pub running: Vec<UnitId>,
}

/// Number of shards that the store has of each variant, in the order of the variants. What is counted is files: a store may claim any
/// number of images.
pub(crate) fn done(group: &Group, ledger: &Ledger) -> Vec<u64> {
    let of = |variant: &Variant| {
        let there = ledger.shards(&attribution(&variant.key)).filter(|shard| *shard < group.shards());
        there.filter(|shard| ledger.has_variant(group, variant, *shard)).count() as u64
    };
    group.variants.iter().map(of).collect()
}

/// Marks of each group, by its name: keys of the variants, or `None` for all variants that are not done.
#[derive(Debug, Default)]
pub(super) struct Marked<'a> {
    failed: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
    running: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
}

impl<'a> Marked<'a> {
    pub(super) fn of(failed: &'a [UnitId], running: &'a [UnitId]) -> Self {
        fn by_group(units: &[UnitId]) -> BTreeMap<&str, BTreeSet<Option<&str>>> {
            let mut all: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
            for unit in units {
                all.entry(unit.group()).or_default().insert(unit.key());
            }
            all
        }
        Self { failed: by_group(failed), running: by_group(running) }
    }

    /// One letter for a cell: `d` done, `f` failed, `r` running, `p` done in part, `w` waiting.
    pub(super) fn cell(&self, group: &str, key: &str, done: u64, all: u64) -> char {
        let marked = |marks: &BTreeMap<&str, BTreeSet<Option<&str>>>| {
            marks.get(group).is_some_and(|keys| keys.contains(&Some(key)) || keys.contains(&None))
        };
        match done {
            done if done >= all => 'd',
            _ if marked(&self.failed) => 'f',
            _ if marked(&self.running) => 'r',
            0 => 'w',
            _ => 'p',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_the_variants_that_its_unit_does_and_are_not_done() {
        let (failed, running) = ([UnitId::from("g/3.IG")], [UnitId::from("g/4"), UnitId::from("h/0:predictions")]);
        let marked = Marked::of(&failed, &running);
        assert_eq!(marked.cell("g", "IG", 2, 5), 'f');
        assert_eq!(marked.cell("g", "IG", 5, 5), 'd');
        assert_eq!(marked.cell("g", "Saliency", 2, 5), 'r');
        assert_eq!((marked.cell("other", "IG", 0, 5), marked.cell("other", "IG", 1, 5)), ('w', 'p'));
    }
}
