//! Units of one group, among which a unit finds the units that it waits for.

use std::collections::HashMap;
use std::sync::Arc;

use sweep::group::Group;
use sweep::unit::{Part, Unit};

/// Units of one group, with their index in the sweep.
#[derive(Debug)]
pub struct Siblings<'a> {
    units: &'a [Unit],
    /// Shard and index of each unit, in rising order; units that take all of the group come first.
    of_group: Vec<(Option<u64>, u32)>,
}

impl<'a> Siblings<'a> {
    /// Sorts the units of a sweep by their group.
    pub(crate) fn by_group(units: &'a [Unit]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        // Units of a group follow each other, mostly: a name is made for the first of them.
        let mut last: Option<(&Arc<Group>, usize)> = None;
        for (unit, index) in units.iter().zip(0..) {
            let at = match last {
                Some((group, at)) if Arc::ptr_eq(group, &unit.group) => at,
                _ => *by_name.entry(unit.group.name()).or_insert(groups.len()),
            };
            last = Some((&unit.group, at));
            if at == groups.len() {
                groups.push(Self { units, of_group: Vec::new() });
            }
            groups[at].of_group.push((shard(unit), index));
        }
        for group in &mut groups {
            group.of_group.sort_unstable();
        }
        groups
    }

    /// All units of the group.
    pub fn all(&self) -> impl Iterator<Item = (u32, &'a Unit)> {
        self.of_group.iter().map(|(_, index)| (*index, &self.units[*index as usize]))
    }

    /// Units that work on the same shard as `unit`, which is among them.
    pub fn of_shard(&self, unit: &Unit) -> impl Iterator<Item = (u32, &'a Unit)> {
        let wanted = shard(unit);
        let first = self.of_group.partition_point(|(shard, _)| *shard < wanted);
        let of_shard = self.of_group[first..].iter().take_while(move |(shard, _)| *shard == wanted);
        of_shard.map(|(_, index)| (*index, &self.units[*index as usize]))
    }
}

fn shard(unit: &Unit) -> Option<u64> {
    match unit.part {
        Part::Shard(shard) => Some(shard),
        Part::Whole => None,
    }
}
