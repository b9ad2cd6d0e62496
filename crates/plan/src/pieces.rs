//! Shards in pieces, where whole ones would leave devices with nothing to do: at the end of a sweep, and all through one
//! that has few.
//!
//! Which are split, and how, depends on config and devices alone: a scheduler that is started anew knows the pieces that
//! workers of the one before it hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use store::Ledger;
use sweep::group::Group;
use sweep::unit::{Part, Piece, Unit};
use sweep::variant::{Shared, Variant};

/// Shards that are split, for each device. With one for each there is work for all while the last whole shards are done;
/// the second one is for devices that are not equally fast.
const SHARDS_OF_DEVICE: u64 = 2;

/// Which shards of a sweep are split.
#[derive(Debug)]
pub(crate) struct Split {
    /// Whether there are so few that devices have nothing to do from the start.
    few: bool,
    /// Of each group the first shard that is split.
    from: Vec<u64>,
}

impl Split {
    /// Those of all shards of `groups`, done or not, on so many `devices`.
    pub(crate) fn of<'a>(groups: impl Iterator<Item = &'a Group>, devices: usize) -> Self {
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

    /// What `ledger` lacks of `shard` of `group`, which is the one of this `index`.
    pub(crate) fn units(&self, group: &Arc<Group>, (index, shard): (usize, u64), ledger: &Ledger) -> Vec<Unit> {
        let whole = Unit::of(Arc::clone(group), Part::Shard(shard));
        let parts: BTreeSet<Piece> = group.variants.iter().map(|variant| self.piece(variant)).collect();
        let split = self.from.get(index).is_some_and(|from| shard >= *from);
        // One alone would only wait for its predictions. What takes a pass each is no company for it.
        let most = parts.iter().filter(|piece| **piece != Piece::Pass).count();
        if !split || most < 2 {
            return vec![whole];
        }
        let missing = group.variants.iter().filter(|variant| !ledger.has_variant(group, variant, shard));
        let missing: BTreeSet<Piece> = missing.map(|variant| self.piece(variant)).collect();
        let first = (!ledger.is_predicted(shard)).then_some(Piece::Predictions);
        first.into_iter().chain(missing).map(|piece| Unit { piece: Some(piece), ..whole.clone() }).collect()
    }

    /// The piece that `variant` is in. What shares the forward pass is cheap: where there is other work to do meanwhile, a
    /// pass for each such variant would be waste.
    fn piece(&self, variant: &Variant) -> Piece {
        if variant.shared == Shared::Pass && !self.few {
            Piece::Pass
        } else {
            Piece::Variant(variant.lead().to_owned())
        }
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

#[cfg(test)]
mod tests;
