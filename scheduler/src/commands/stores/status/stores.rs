//! Progress of each store, counted in its files.

use std::collections::BTreeSet;

use serde::Serialize;
use store::{Accuracy, Described, Ledger};
use sweep::group::Group;

use crate::commands::survey::{AdoptedStore, Surveyed};

/// Progress of one store.
#[derive(Debug, Default, Serialize)]
pub(super) struct StoreProgress {
    pub(super) name: String,
    pub(super) complete: bool,
    pub(super) shards_done: u64,
    pub(super) maps_done: u64,
    /// Number of shards whose maps are scored as the last config asked for; `None` where it asked for no scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shards_scored: Option<u64>,
    /// Number of shards; `None` where neither the store nor the dataset exists.
    pub(super) shards: Option<u64>,
    pub(super) maps: Option<u64>,
    /// Images that were predicted right, of the images with a prediction and a label.
    pub(super) right: Option<u64>,
    pub(super) predicted: Option<u64>,
    /// Reason for which the weights may be those of another network.
    pub(super) doubt: Option<String>,
    pub(super) error: Option<String>,
}

/// Counts what the store of `surveyed` has, of variants with these `keys`, in shards of `shard` images.
pub(super) fn progress(surveyed: &Surveyed, keys: &[String], shard: u64) -> StoreProgress {
    let name = surveyed.name.clone();
    let maps_of = |images: u64| images * keys.len() as u64;
    let planned = StoreProgress {
        name,
        shards: surveyed.images.map(|images| images.div_ceil(shard)),
        maps: surveyed.images.map(maps_of),
        ..StoreProgress::default()
    };
    match &surveyed.state {
        Ok(None) => planned,
        Err(error) => StoreProgress { error: Some(error.to_string()), ..planned },
        Ok(Some(described)) => match counted(described, surveyed.images, keys) {
            Ok(counted) => StoreProgress { name: planned.name, ..counted },
            Err(error) => StoreProgress { error: Some(error.to_string()), ..planned },
        },
    }
}

/// Counts what an adopted store of another program has, as if it had shards of `shard` images.
pub(super) fn of_adopted(adopted: &AdoptedStore, shard: u64) -> StoreProgress {
    let (images, maps) = (adopted.record.images, adopted.record.maps.len() as u64);
    let (shards, maps) = (images.div_ceil(shard), images * maps);
    StoreProgress {
        name: adopted.record.store.clone(),
        complete: true,
        shards_done: shards,
        maps_done: maps,
        shards: Some(shards),
        maps: Some(maps),
        ..StoreProgress::default()
    }
}

/// Counts shards and maps in a store, of those that the config asks for now.
fn counted(described: &Described, asked: Option<u64>, keys: &[String]) -> Result<StoreProgress, store::StoreError> {
    let wanted: BTreeSet<&String> = keys.iter().collect();
    let variants: Vec<_> =
        described.group.variants.iter().filter(|variant| wanted.contains(&variant.key)).cloned().collect();
    let group = Group { variants, ..described.group.clone() };
    let images = asked.map_or(group.images, |asked| asked.max(group.images));
    let ledger = Ledger::read(&group)?;
    let begun = group.variants.len() == keys.len();
    let (mut shards_done, mut maps_done) = (0, 0);
    for shard in 0..group.shards() {
        let range = group.range(shard);
        // A short last shard is made anew once there are more images.
        if range.end < images && range.end - range.start < group.shard {
            continue;
        }
        shards_done += u64::from(begun && ledger.is_done(&group, shard));
        let there = group.variants.iter().filter(|variant| ledger.has_variant(&group, variant, shard)).count();
        maps_done += there as u64 * (range.end - range.start);
    }
    let scored = || (0..group.shards()).filter(|shard| ledger.is_evaluated(&group, *shard)).count() as u64;
    let accuracy = Accuracy::of(&group, &ledger).ok().flatten();
    Ok(StoreProgress {
        right: accuracy.map(|accuracy| accuracy.right),
        predicted: accuracy.map(|accuracy| accuracy.predicted),
        doubt: accuracy.and_then(|accuracy| accuracy.doubt(group.noise.kind == "none")),
        complete: described.complete && begun && images == group.images,
        shards_done,
        maps_done,
        shards_scored: (!group.evaluation.is_empty()).then(scored),
        shards: Some(images.div_ceil(group.shard)),
        maps: Some(images * keys.len() as u64),
        ..StoreProgress::default()
    })
}
