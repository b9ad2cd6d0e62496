//! Groups of a folder, and the images and maps of one of them.

use std::path::{Path, PathBuf};

use pictures::{Channels, Panel, Rgb, Undo};
use serde_json::Value;
use store::formats::Reader;
use store::{Described, FORMATS, Ledger, StoreError, attribution, name};
use sweep::group::Group;
use sweep::variant::Variant;

use crate::stores::{Samples, done, find};

/// A store of the folder.
pub(super) struct Found {
    /// Number of the group, from 1 on.
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) place: PathBuf,
    /// The group, or the reason for which its store cannot be read.
    pub(super) known: Result<Known, String>,
}

/// A store that can be read.
pub(super) struct Known {
    pub(super) group: Group,
    pub(super) complete: bool,
    /// Shards that are there, of each variant.
    pub(super) done: Vec<u64>,
    /// Devices that have computed maps, as JSON.
    pub(super) devices: Vec<Value>,
    pub(super) results_version: Option<u64>,
    pub(super) provenance: Value,
}

/// Groups of the stores in `folder`, in the order of their names. Of a store in several formats, the one that is complete counts.
pub(super) fn of_folder(folder: &Path) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for place in find::stores(folder) {
        let found = found(place);
        match all.iter_mut().find(|other| other.name == found.name) {
            Some(other) if found.is_complete() && !other.is_complete() => *other = found,
            Some(_) => {}
            None => all.push(found),
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.iter_mut().enumerate().for_each(|(at, found)| found.number = at + 1);
    all
}

fn found(place: PathBuf) -> Found {
    let known = match store::describe(&place) {
        Ok(Some(described)) => known(described).map_err(|error| error.to_string()),
        Ok(None) => Err("it is no store yet".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let of_place = || place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = known.as_ref().map_or_else(|_| of_place(), |known| known.group.name());
    Found { number: 0, name, place, known }
}

fn known(described: Described) -> Result<Known, StoreError> {
    let provenance = described.provenance().clone();
    let Described { mut group, complete, computed_by, results_version, .. } = described;
    // Positions of chosen images may be many, and nothing here needs them.
    group.input.data = Value::Null;
    let done = done(&group, &Ledger::read(&group)?);
    let devices = computed_by.iter().filter_map(|device| serde_json::to_value(device).ok()).collect();
    Ok(Known { group, complete, done, devices, results_version, provenance })
}

impl Found {
    pub(super) fn is_complete(&self) -> bool {
        self.known.as_ref().is_ok_and(|known| known.complete)
    }
}

/// Group of the same images without noise, for a group with noise.
pub(super) fn clean_of<'a>(known: &Known, all: &'a [Found]) -> Option<&'a Found> {
    let fits =
        |other: &&Found| other.known.as_ref().is_ok_and(|other| other.is_clean() && other.family() == known.family());
    if known.is_clean() { None } else { all.iter().find(fits) }
}

impl Known {
    /// Whether the images have no noise.
    pub(super) fn is_clean(&self) -> bool {
        self.group.noise.kind == "none"
    }

    /// Names that groups share whose images differ in their noise alone.
    pub(super) fn family(&self) -> [&str; 4] {
        let Group { dataset, model, split, suffix, .. } = &self.group;
        [dataset, model, split, suffix]
    }
}

/// Store of a group that is open for reading.
pub(super) struct Reading<'a> {
    pub(super) group: &'a Group,
    ledger: Ledger,
    reader: Box<dyn Reader>,
    pub(super) samples: Samples,
}

impl<'a> Reading<'a> {
    pub(super) fn open(group: &'a Group) -> Result<Self, StoreError> {
        let ledger = Ledger::read(group)?;
        let samples = Samples::default().grown(group, &ledger)?;
        Ok(Self { group, ledger, reader: FORMATS.open(&group.store)?, samples })
    }

    /// Positions of so many images that have predictions and a map, evenly spread.
    pub(super) fn spread(&self, most: usize) -> Vec<u64> {
        let has_map = |shard: u64| self.group.variants.iter().any(|of| self.ledger.has_variant(self.group, of, shard));
        let there = self.ledger.shards(name::PREDICTIONS).filter(|shard| *shard < self.group.shards());
        let shards: Vec<_> = there.filter(|shard| has_map(*shard)).map(|shard| self.group.range(shard)).collect();
        let all: u64 = shards.iter().map(|range| range.end - range.start).sum();
        let count = all.min(most as u64);
        let position = |at: u64| {
            // Place among all images that are there: at * all / count, without a product that overflows.
            let mut place = (u128::from(at) * u128::from(all) / u128::from(count.max(1))) as u64;
            for range in &shards {
                let images = range.end - range.start;
                if place < images {
                    return Some(range.start + place);
                }
                place -= images;
            }
            None
        };
        (0..count).filter_map(position).collect()
    }

    /// Shards of `array` that are there, with the number of their images.
    pub(super) fn shards(&self, array: &str) -> Vec<(u64, u64)> {
        let there = self.ledger.shards(array).filter(|shard| *shard < self.group.shards());
        there
            .map(|shard| (shard, self.group.range(shard)))
            .map(|(shard, range)| (shard, range.end - range.start))
            .collect()
    }

    /// Reads a shard of an array of numbers.
    pub(super) fn numbers(&mut self, array: &str, (shard, images): (u64, u64)) -> Result<Vec<f32>, StoreError> {
        self.reader.floats(array, shard, images)
    }

    /// Reads the map of `variant` for an image; `None` where it is not written.
    pub(super) fn map(&mut self, variant: &Variant, image: u64) -> Result<Option<Vec<f32>>, StoreError> {
        let shard = image / self.group.shard;
        if image >= self.group.images || !self.ledger.has_variant(self.group, variant, shard) {
            return Ok(None);
        }
        self.reader.image(&attribution(&variant.key), shard, image % self.group.shard).map(Some)
    }

    /// Reads the panel of a map, summed over channels; `None` where it is not written.
    pub(super) fn panel(&mut self, variant: &Variant, image: u64) -> Result<Option<Panel>, StoreError> {
        let Some(map) = self.map(variant, image)? else { return Ok(None) };
        Panel::of(&map, self.group.shape, Channels::Sum).map(Some).map_err(|error| self.damaged(error.to_string()))
    }

    /// Reads an image as it was before preprocessing; `None` where it is not written.
    pub(super) fn picture(&mut self, image: u64) -> Result<Option<Rgb>, StoreError> {
        let shard = image / self.group.shard;
        if image >= self.group.images || !self.ledger.has(name::IMAGES, shard) {
            return Ok(None);
        }
        let values = self.reader.image(name::IMAGES, shard, image % self.group.shard)?;
        let how = &self.group.preprocessing;
        let undo = Undo { range: how.range, mean: &how.mean, std: &how.std };
        Rgb::of_image(&values, self.group.shape, &undo).map(Some).map_err(|error| self.damaged(error.to_string()))
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged { path: self.group.store.clone(), reason }
    }
}
