//! Choice of shards that are split into pieces, where whole shards would leave devices with nothing to do: at the end of a
//! sweep, and all through a sweep with few shards.
//!
//! The choice depends on config and devices alone: a scheduler that is started anew knows the pieces that workers of the
//! scheduler before it hold.

use std::collections::BTreeMap;

use sweep::group::Group;

/// Number of shards that are split, for each device. With one shard for each device there is work for all while the last
/// whole shards are done; the second shard is for devices that are not equally fast.
const SHARDS_OF_DEVICE: u64 = 2;

/// Shards of a sweep that are split.
#[derive(Debug)]
pub struct Split {
    /// Whether there are so few that devices have nothing to do from the start.
    few: bool,
    /// First shard that is split, for each group.
    from: Vec<u64>,
}

impl Split {
    /// Chooses among all shards of `groups`, done or not, for a number of `devices`.
    pub fn of<'a>(groups: impl Iterator<Item = &'a Group>, devices: usize) -> Self {
        let groups: Vec<&Group> = groups.collect();
        let most = SHARDS_OF_DEVICE * devices as u64;
        let few = devices > 1 && groups.iter().map(|group| group.shards()).sum::<u64>() < most;
        let mut from: Vec<u64> = groups.iter().map(|group| if few { 0 } else { group.shards() }).collect();
        if devices > 1 && !few {
            let homes = homes(&groups);
            // Homes are emptied together, each in the order of the config: which one is the last, nobody knows before.
            let of_home = most.div_ceil(homes.len() as u64);
            for home in homes {
                let mut left = of_home;
                for index in home.into_iter().rev() {
                    let last = left.min(groups[index].shards());
                    from[index] -= last;
                    left -= last;
                }
            }
        }
        Self { few, from }
    }

    /// Whether `shard` of the group of this `index` is split.
    pub fn splits(&self, index: usize, shard: u64) -> bool {
        self.from.get(index).is_some_and(|from| shard >= *from)
    }

    /// Whether there are so few shards that devices have nothing to do from the start.
    pub fn is_of_few(&self) -> bool {
        self.few
    }
}

/// The groups of each home, in the order of the config.
fn homes(groups: &[&Group]) -> Vec<Vec<usize>> {
    let mut homes: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        homes.entry(group.home()).or_default().push(index);
    }
    homes.into_values().collect()
}
