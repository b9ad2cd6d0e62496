//! The kind `attribute`: images, labels, predictions and attribution maps of a shard.
//!
//! A shard that is split has one unit with the predictions, and behind that unit one unit for the maps of each variant, or
//! of variants that share their work.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweep::unit::{Part, Piece, Unit};
use sweep::unit_id::UNNAMED;
use sweep::variant::{Shared, Variant};

use super::kind::{Kind, Lacking, Repeated, Seconds};
use super::siblings::Siblings;
use super::splitting::Split;

/// Attribution maps of a shard, and the images and predictions that they explain.
#[derive(Clone, Copy, Debug)]
pub struct Attribute;

impl Kind for Attribute {
    fn name(&self) -> &'static str {
        UNNAMED
    }

    fn repeated(&self) -> Repeated {
        Repeated::SameBytes
    }

    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit> {
        let Lacking { group, ledger, .. } = lacking;
        let missing = (0..group.shards()).filter(|shard| !ledger.is_done(group, *shard));
        let mut units: Vec<Unit> = Vec::new();
        for shard in missing {
            let keys = missing_keys(lacking, shard, units.last());
            units.extend(of_shard(lacking, shard).into_iter().map(|unit| Unit { missing: keys.clone(), ..unit }));
        }
        units
    }

    /// Maps wait for the predictions that they explain: else two workers would write the predictions.
    fn after(&self, unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32> {
        let is_predictions = |unit: &Unit| unit.kind == self.name() && unit.piece == Some(Piece::Predictions);
        if unit.piece.is_none() || is_predictions(unit) {
            return Vec::new();
        }
        siblings.of_shard(unit).filter(|(_, unit)| is_predictions(unit)).map(|(index, _)| index).collect()
    }

    fn bereft(&self) -> &'static str {
        "the predictions of its shard were given up"
    }

    fn maps(&self, unit: &Unit) -> u64 {
        unit.images() * unit.group.variants.iter().filter(|variant| unit.lacks(variant)).count() as u64
    }

    fn forecast(&self, unit: &Unit, seconds: Seconds<'_>) -> Option<f64> {
        // Nobody measures forward passes alone.
        let measured = unit.piece != Some(Piece::Predictions);
        measured.then(|| seconds(unit)).flatten().map(|seconds| seconds * unit.images() as f64)
    }

    fn is_first(&self, unit: &Unit) -> bool {
        unit.piece == Some(Piece::Predictions)
    }
}

/// Keys of the variants that the store lacks in `shard`, if the store has others: shared with the `last` unit where they are the same.
fn missing_keys(lacking: &Lacking<'_>, shard: u64, last: Option<&Unit>) -> Option<Arc<[String]>> {
    let Lacking { group, ledger, .. } = lacking;
    let missing = group.variants.iter().filter(|variant| !ledger.has_variant(group, variant, shard));
    let keys: Vec<String> = missing.map(|variant| variant.key.clone()).collect();
    if keys.len() == group.variants.len() {
        return None;
    }
    let known = last.and_then(|last| last.missing.clone()).filter(|known| **known == keys[..]);
    Some(known.unwrap_or_else(|| keys.into()))
}

/// Units that write what the store lacks of `shard`.
fn of_shard(lacking: &Lacking<'_>, shard: u64) -> Vec<Unit> {
    let Lacking { group, index, ledger, split, .. } = lacking;
    let whole = Unit::of(Arc::clone(group), Attribute.name(), Part::Shard(shard));
    let parts: BTreeSet<Piece> = group.variants.iter().map(|variant| piece(split, variant)).collect();
    // A single piece would only wait for its predictions. What takes a pass each is no company for it.
    let most = parts.iter().filter(|piece| **piece != Piece::Pass).count();
    if !split.splits(*index, shard) || most < 2 {
        return vec![whole];
    }
    let missing = group.variants.iter().filter(|variant| !ledger.has_variant(group, variant, shard));
    let missing: BTreeSet<Piece> = missing.map(|variant| piece(split, variant)).collect();
    let first = (!ledger.is_predicted(shard)).then_some(Piece::Predictions);
    first.into_iter().chain(missing).map(|piece| Unit { piece: Some(piece), ..whole.clone() }).collect()
}

/// Piece that `variant` is in. Variants that share the forward pass are cheap: where there is other work to do meanwhile, a
/// pass for each of them would be waste.
fn piece(split: &Split, variant: &Variant) -> Piece {
    if variant.shared == Shared::Pass && !split.is_of_few() {
        Piece::Pass
    } else {
        Piece::Variant(variant.lead().to_owned())
    }
}
