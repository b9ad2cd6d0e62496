//! The kind `evaluate`: measurements and scores of the maps of a shard, once these maps exist.

use std::sync::Arc;

use sweep::unit::{Part, Unit};

use super::attribute::Attribute;
use super::kind::{Kind, Lacking, Repeated};
use super::siblings::Siblings;

/// Measurements of the maps of a shard as the store has them, and the scores that are computed from measurements.
#[derive(Clone, Copy, Debug)]
pub struct Evaluate;

impl Kind for Evaluate {
    fn name(&self) -> &'static str {
        "evaluate"
    }

    fn repeated(&self) -> Repeated {
        Repeated::SameBytes
    }

    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit> {
        let Lacking { group, ledger, .. } = lacking;
        let missing = (0..group.shards()).filter(|shard| !ledger.is_evaluated(group, *shard));
        missing.map(|shard| Unit::of(Arc::clone(group), self.name(), Part::Shard(shard))).collect()
    }

    fn after(&self, unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32> {
        let of_maps = siblings.of_shard(unit).filter(|(_, unit)| unit.kind == Attribute.name());
        of_maps.map(|(index, _)| index).collect()
    }

    fn bereft(&self) -> &'static str {
        "the maps of its shard were given up"
    }
}
