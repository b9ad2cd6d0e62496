//! First stage: reads the pixels of a shard, and what the store lacks of the shard.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use data::formats::{self, Labels, Options, Source};
use data::mean;
use data::preprocess::Pixels as Unprepared;
use store::{Ledger, Shards, name};
use sweep::group::{Group, Masks, MeanImage};
use sweep::unit::{Part, Unit};

use super::images::Pixels;
use crate::unit_error::UnitError;

/// Shard that is ready to be computed.
pub(crate) struct Shard {
    pub(crate) index: u64,
    pub(crate) pixels: Pixels,
    /// Labels `[n, width]`.
    pub(crate) labels: Vec<i64>,
    /// Shards of the group that exist in the store.
    pub(crate) ledger: Ledger,
    /// Logits `[n, k]`, if they are in the store: maps explain the stored logits.
    pub(crate) predictions: Option<Vec<f32>>,
    /// Whether these logits are those of the dataset, and the store does not have them yet.
    pub(crate) predictions_missing: bool,
    /// Mean image of the dataset `[c, h, w]`, where a variant takes the mean image as a baseline.
    pub(crate) mean: Option<Vec<f32>>,
    /// Masks `[n, h, w]` of the images, where a metric compares maps with them: whether a pixel belongs to the object.
    pub(crate) masks: Option<Vec<bool>>,
}

/// Number of stores of earlier sweeps that stay open: the store of the group under way, and the store of the next group.
const BASES: usize = 2;

/// Open split of a dataset, and its labels.
type Dataset = (Box<dyn Source>, Arc<Labels>);

/// Reader of shards. Datasets stay open between units: slices in rising order cost one pass over a file.
#[derive(Default)]
pub(crate) struct Reader {
    open: HashMap<(PathBuf, String), Dataset>,
    /// Sources of `open` that are stores of earlier sweeps, the last used at the end.
    bases: VecDeque<(PathBuf, String)>,
    /// Mean images by digest, as images of these shapes.
    means: HashMap<(String, [usize; 3]), Vec<f32>>,
    /// Files and splits of masks whose sums were checked.
    sound_masks: HashSet<(PathBuf, String)>,
}

impl Reader {
    /// Reads the pixels of the shard of `unit`, and what the store has of the shard. Unfinished files have this `tag`.
    pub(crate) fn missing(&mut self, unit: &Unit, tag: &str) -> Result<Shard, UnitError> {
        let (group, index) = (&unit.group, index(unit.part));
        let range = group.range(index);
        let ledger = Ledger::read(group)?;
        let mut shards = Shards::open(group.store.clone(), tag.to_owned());
        let stored = ledger.has(name::PREDICTIONS, index);
        let stored = stored.then(|| shards.floats(name::PREDICTIONS, index, range.end - range.start));
        self.shard(group, index, ledger, stored.transpose()?)
    }

    /// Labels of the images of `group`; empty where an image has more than one.
    pub(crate) fn labels(&mut self, group: &Group) -> Result<Vec<i64>, UnitError> {
        let (_, labels) = self.source(group)?;
        let single = if labels.width > 1 { &[] } else { &labels.values[..group.images as usize] };
        Ok(single.to_vec())
    }

    /// Reads shard `index` of `group`, of which `ledger` says what exists in the store.
    pub(crate) fn shard(
        &mut self,
        group: &Arc<Group>,
        index: u64,
        ledger: Ledger,
        predictions: Option<Vec<f32>>,
    ) -> Result<Shard, UnitError> {
        let mean = self.mean(group)?;
        let (source, labels) = self.source(group)?;
        let range = group.range(index);
        let pixels = source.read(range.clone())?;
        // Of a base, what is predicted is known.
        let known = if predictions.is_none() { source.predictions(range.clone())? } else { None };
        let predictions_missing = known.is_some();
        let predictions = predictions.or(known);
        let pixels = Pixels::new(group, range.start, source.shape(), pixels);
        let width = labels.width;
        let labels = labels.values[range.start as usize * width..range.end as usize * width].to_vec();
        Ok(Shard { index, pixels, labels, ledger, predictions, predictions_missing, mean, masks: None })
    }

    /// Masks of shard `index` of `group`, if the file is still that of the check before the sweep.
    pub(crate) fn masks(&mut self, group: &Group, index: u64) -> Result<Option<Vec<bool>>, UnitError> {
        let Some(Masks { file, format, content }) = &group.input.masks else { return Ok(None) };
        let mut source = formats::open(format, file, &group.split, &Options::of_masks(group))?;
        let range = group.range(index);
        let [height, width, channels] = source.shape();
        if source.content() != *content || source.len() < range.end || [height, width] != group.shape[1..] {
            return Err(UnitError::Changed { file: file.display().to_string() });
        }
        if self.sound_masks.insert((file.clone(), group.split.clone())) {
            source.verify()?;
        }
        // A pixel belongs to the object where one of its channels is not black.
        let marked = |marked: Vec<bool>| marked.chunks(channels.max(1)).map(|pixel| pixel.contains(&true)).collect();
        Ok(Some(match source.read(range)? {
            Unprepared::Bytes(bytes) => marked(bytes.iter().map(|byte| *byte > 0).collect()),
            Unprepared::Floats(floats) | Unprepared::Ready(floats) => {
                marked(floats.iter().map(|value| *value > 0.0).collect())
            }
        }))
    }

    /// Mean image of the group, read once, if the file is still that of the check before the sweep.
    pub(crate) fn mean(&mut self, group: &Group) -> Result<Option<Vec<f32>>, UnitError> {
        let Some(MeanImage { file, sha256 }) = &group.input.mean else { return Ok(None) };
        let key = (sha256.clone(), group.shape);
        if let Some(values) = self.means.get(&key) {
            return Ok(Some(values.clone()));
        }
        let changed = || UnitError::Changed { file: file.display().to_string() };
        let mean = mean::read(file)?;
        if mean.sha256() != *sha256 {
            return Err(changed());
        }
        let values = mean.expanded(group.shape).map_err(|_| changed())?;
        self.means.insert(key, values.clone());
        Ok(Some(values))
    }

    /// Dataset of the group, opened once, if the file is still that of the check before the sweep.
    fn source(&mut self, group: &Group) -> Result<(&mut Box<dyn Source>, Arc<Labels>), UnitError> {
        let key = (group.input.images_file.clone(), group.split.clone());
        if !self.open.contains_key(&key) {
            let mut source =
                formats::open(&group.input.format, &group.input.images_file, &group.split, &Options::of_group(group))?;
            // One pass over the file, so that no shard is made of damaged images.
            source.verify()?;
            let labels = Arc::new(source.labels()?);
            // Each group has a base of its own, which holds chunks of it: those of groups before are not read again soon.
            if group.has_base() {
                self.bases.push_back(key.clone());
                while self.bases.len() > BASES {
                    let oldest = self.bases.pop_front();
                    oldest.and_then(|oldest| self.open.remove(&oldest));
                }
            }
            self.open.insert(key.clone(), (source, labels));
        }
        let changed = || UnitError::Changed { file: group.input.images_file.display().to_string() };
        let (source, labels) = self.open.get_mut(&key).ok_or_else(changed)?;
        if source.content() != group.input.data || source.len() < group.images {
            return Err(changed());
        }
        Ok((source, Arc::clone(labels)))
    }
}

/// Index of the shard whose arrays a unit writes; 0 for a unit that is no shard and writes by acts alone.
pub(super) fn index(part: Part) -> u64 {
    match part {
        Part::Shard(shard) => shard,
        Part::Whole => 0,
    }
}
