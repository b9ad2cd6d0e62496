//! Images and maps of a group, read one by one and kept for a while.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pictures::{Channels, Panel, Rgb, Undo};
use serde::Serialize;
use serde_json::{Value, json};
use store::{FORMATS, Ledger, attribution, convergence_delta, name, underflow};
use sweep::fingerprint;
use sweep::group::Group;
use sweep::variant::Variant;

use super::cache::{Cache, Weighed};
use super::samples::{self, Samples};
use super::scores::{self, Means};
use crate::api::Refusal;

/// Bytes of panels that are kept.
const PANELS: usize = 48 << 20;
/// Bytes of samples that are kept.
const SAMPLES: usize = 32 << 20;
/// Time for which the names of files that were listed are believed.
const LISTED: Duration = Duration::from_secs(2);
/// Number of groups whose files are remembered.
const LEDGERS: usize = 16;

/// Numbers that a store has beside a map.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Numbers {
    /// Sum of the map minus the change of the logit.
    pub(crate) delta: Option<f32>,
    /// Share of the non-zero values that the store has as zero.
    pub(crate) underflow: Option<f32>,
}

/// A store at a place, by its facts: another one at the same place, of other weights say, is another store.
type Place = (PathBuf, String);

/// A map of a store, by the facts of its variant, its image, and how its channels are one.
type Key = (Place, String, u64, Channels);

/// Images, maps and samples of all groups.
pub(crate) struct Gallery {
    panels: Cache<Key, Panel>,
    samples: Cache<Place, Samples>,
    ledgers: Cache<Place, Listed>,
}

/// Place of the store of `group`, with the facts that its images and predictions follow from.
fn place(group: &Group) -> Place {
    (group.store.clone(), fingerprint::digest(&Value::Object(fingerprint::of_group(group))))
}

struct Listed {
    at: Instant,
    ledger: Ledger,
}

impl Weighed for Listed {
    fn bytes(&self) -> usize {
        1
    }
}

impl Weighed for Panel {
    fn bytes(&self) -> usize {
        128 + self.values.len() * size_of::<f32>()
    }
}

impl Gallery {
    pub(crate) fn new() -> Self {
        Self { panels: Cache::new(PANELS), samples: Cache::new(SAMPLES), ledgers: Cache::new(LEDGERS) }
    }

    /// Files that the store of `group` has, as they were two seconds ago at most.
    fn ledger(&self, group: &Group) -> Result<Arc<Listed>, Refusal> {
        let place = place(group);
        let known = self.ledgers.get(&place).filter(|listed| listed.at.elapsed() < LISTED);
        known.map_or_else(
            || {
                let ledger = Ledger::read(group)?;
                Ok(self.ledgers.put(place, Listed { at: Instant::now(), ledger }))
            },
            Ok,
        )
    }

    /// Samples of `group` that have predictions by now.
    pub(crate) fn samples(&self, group: &Group) -> Result<Arc<Samples>, Refusal> {
        let listed = self.ledger(group)?;
        let place = place(group);
        let known = self.samples.get(&place).map(|samples| Samples::clone(&samples)).unwrap_or_default();
        Ok(self.samples.put(place, known.grown(group, &listed.ledger)?))
    }

    /// Means of all scores of `group`.
    pub(crate) fn means(&self, group: &Group) -> Result<Means, Refusal> {
        Ok(scores::means(group, &self.ledger(group)?.ledger)?)
    }

    /// Numbers of the score and the variant with these names, by image.
    pub(crate) fn score(&self, group: &Group, (score, key): (&str, &str)) -> Result<samples::Numbers, Refusal> {
        let missing = |what: &str, name: &str| Refusal::missing(format!("{} has no {what} `{name}`", group.name()));
        let variant =
            group.variants.iter().find(|variant| variant.key == key).ok_or_else(|| missing("variant", key))?;
        let found = group.evaluation.scores.iter().find(|known| known.key == score);
        let score = found.filter(|known| known.of.has(variant)).ok_or_else(|| missing("score", score))?;
        Ok(scores::numbers(group, &self.ledger(group)?.ledger, (score, variant), samples::MOST)?)
    }

    /// Panel of the map of `variant` for an image.
    pub(crate) fn panel(
        &self,
        group: &Group,
        variant: &Variant,
        image: u64,
        how: Channels,
    ) -> Result<Arc<Panel>, Refusal> {
        let facts = json!([variant.key, fingerprint::of_variant(group, variant)]);
        let key = (place(group), facts.to_string(), image, how);
        if let Some(panel) = self.panels.get(&key) {
            return Ok(panel);
        }
        let shard = shard_of(group, image)?;
        if !self.ledger(group)?.ledger.has_variant(group, variant, shard) {
            return Err(Refusal::missing(format!("the map of image {image} is not written yet")));
        }
        let mut reader = FORMATS.open(&group.store)?;
        let values = reader.image(&attribution(&variant.key), shard, image - group.range(shard).start)?;
        Ok(self.panels.put(key, Panel::of(&values, group.shape, how)?))
    }

    /// Numbers that the store has beside the map of `variant` for an image.
    pub(crate) fn numbers(&self, group: &Group, variant: &Variant, image: u64) -> Result<Numbers, Refusal> {
        let shard = shard_of(group, image)?;
        let (listed, range) = (self.ledger(group)?, group.range(shard));
        let mut reader = FORMATS.open(&group.store)?;
        let mut number = |array: String| {
            let there = listed.ledger.has(&array, shard);
            let values = there.then(|| reader.floats(&array, shard, range.end - range.start).ok()).flatten();
            values.and_then(|values| values.get((image - range.start) as usize).copied())
        };
        Ok(Numbers { delta: number(convergence_delta(&variant.key)), underflow: number(underflow(&variant.key)) })
    }

    /// Picture of an image as it was before preprocessing.
    pub(crate) fn picture(&self, group: &Group, image: u64) -> Result<Rgb, Refusal> {
        let shard = shard_of(group, image)?;
        if !self.ledger(group)?.ledger.has(name::IMAGES, shard) {
            return Err(Refusal::missing(format!("image {image} is not written yet")));
        }
        let values = FORMATS.open(&group.store)?.image(name::IMAGES, shard, image - group.range(shard).start)?;
        let how = &group.preprocessing;
        Ok(Rgb::of_image(&values, group.shape, &Undo { range: how.range, mean: &how.mean, std: &how.std })?)
    }
}

/// Shard of an image: what lies beyond the last image would be read as filling.
fn shard_of(group: &Group, image: u64) -> Result<u64, Refusal> {
    if image >= group.images {
        return Err(Refusal::missing(format!("there is no image {image}: the group has {}", group.images)));
    }
    Ok(image / group.shard)
}
