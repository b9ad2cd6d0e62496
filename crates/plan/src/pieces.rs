//! Shards in pieces, where there are so few that some devices would have nothing to do.
//!
//! Whether a sweep is split, and how, depends on its config and devices alone: a scheduler that is started anew knows the
//! pieces that workers of the one before it hold.

use std::collections::BTreeSet;

use store::Ledger;
use sweep::unit::{Part, Piece, Unit};

/// Whether a sweep of so many shards in all, done or not, leaves devices idle for long: with fewer than two for each, the
/// last ones run alone for half of the time or more.
pub(crate) fn few(shards: u64, devices: usize) -> bool {
    devices > 1 && shards < 2 * devices as u64
}

/// What `ledger` lacks of `unit`, a whole shard: images and predictions, which go first, and then each class of methods.
pub(crate) fn pieces(unit: &Unit, ledger: &Ledger) -> Vec<Unit> {
    let Part::Shard(shard) = unit.part else { return vec![unit.clone()] };
    let group = &unit.group;
    let missing = group.variants.iter().filter(|variant| !ledger.has_variant(group, variant, shard));
    let classes: BTreeSet<&str> = missing.map(|variant| variant.class.as_str()).collect();
    let piece = |piece| Unit { piece: Some(piece), ..unit.clone() };
    let first = (!ledger.is_predicted(shard)).then(|| piece(Piece::Predictions));
    first.into_iter().chain(classes.into_iter().map(|class| piece(Piece::Class(class.to_owned())))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three shards on two devices: one of them would do two, and the other wait for the time of one.
    #[test]
    fn sweeps_of_few_shards_are_split_on_several_devices_only() {
        assert_eq!(
            [(1, 1), (1, 2), (3, 2), (4, 2), (15, 8), (16, 8)].map(|(shards, devices)| few(shards, devices)),
            [false, true, true, false, true, false]
        );
    }
}
