//! Images of a group by what the model says of them: labels, predictions, confidence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use store::{FORMATS, Ledger, Reader, StoreError, name, predicted};
use sweep::group::Group;

use super::cache::Weighed;

/// Numbers of images, a score say; what is undefined is left out.
pub(crate) type Numbers = BTreeMap<u64, f32>;

/// Number of images that samples are taken of at most, the first ones.
pub(super) const MOST: u64 = 100_000;

/// An image of a group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Position in the store.
    pub(crate) image: u64,
    /// Position in the split.
    pub(crate) index: i64,
    /// Label, one of the model's classes; `None` where an image has none, or several.
    pub(crate) label: Option<i64>,
    /// Class that the model predicts.
    pub(crate) predicted: u32,
    /// Probability that the model gives the predicted class, from 0 to 1.
    pub(crate) confidence: f32,
}

/// Samples of a group, by shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    shards: BTreeMap<u64, Vec<Sample>>,
}

impl Weighed for Samples {
    fn bytes(&self) -> usize {
        256 + self.shards.values().map(|samples| 64 + samples.capacity() * size_of::<Sample>()).sum::<usize>()
    }
}

/// Samples that are wanted, and their order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Store.
    pub(crate) g: String,
    /// Label.
    pub(crate) label: Option<i64>,
    /// Predicted class.
    pub(crate) predicted: Option<u32>,
    /// Whether the prediction is right.
    pub(crate) right: Option<bool>,
    /// Least confidence, from 0 to 1.
    pub(crate) from: Option<f32>,
    /// Largest confidence.
    pub(crate) to: Option<f32>,
    pub(crate) order: Order,
    /// Score and method by which images are ordered, where the order is one of scores.
    pub(crate) score: Option<String>,
    pub(crate) key: Option<String>,
    /// Number of samples that are left out at the beginning.
    pub(crate) offset: usize,
    /// Number of samples at most.
    pub(crate) limit: Option<usize>,
}

/// Order of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// As in the store.
    #[default]
    Position,
    /// The surest first.
    Sure,
    /// The least sure first.
    Unsure,
    /// The largest score first.
    High,
    /// The smallest score first.
    Low,
}

impl Order {
    /// Whether images are ordered by a score.
    pub(crate) fn is_of_scores(self) -> bool {
        matches!(self, Self::High | Self::Low)
    }
}

impl Sample {
    pub(crate) fn is_right(&self) -> Option<bool> {
        self.label.map(|label| label == i64::from(self.predicted))
    }

    fn fits(&self, wanted: &Wanted) -> bool {
        wanted.label.is_none_or(|label| self.label == Some(label))
            && wanted.predicted.is_none_or(|class| self.predicted == class)
            && wanted.right.is_none_or(|right| self.is_right() == Some(right))
            && wanted.from.is_none_or(|from| self.confidence >= from)
            && wanted.to.is_none_or(|to| self.confidence <= to)
    }
}

impl Samples {
    /// Adds the samples of every shard of `group` that has predictions by now.
    pub(crate) fn grown(mut self, group: &Group, ledger: &Ledger) -> Result<Self, StoreError> {
        let mut reader = FORMATS.open(&group.store)?;
        let there = ledger.shards(name::PREDICTIONS).filter(|shard| *shard < group.shards());
        for shard in there.take_while(|shard| group.range(*shard).start < MOST) {
            if !ledger.is_predicted(shard) {
                continue;
            }
            let range = group.range(shard);
            if self.shards.get(&shard).is_some_and(|samples| samples.len() as u64 == range.end - range.start) {
                continue;
            }
            let samples = of_shard(group, shard, reader.as_mut())?;
            self.shards.insert(shard, samples);
        }
        Ok(self)
    }

    /// The samples that are `wanted` on this page, and the number of samples on all pages.
    pub(crate) fn choose(&self, wanted: &Wanted, most: usize) -> (Vec<Sample>, usize) {
        self.choose_by(wanted, most, &Numbers::new())
    }

    /// Chooses samples as [`Self::choose`] does, where the order may be that of `scores`; images without a score come last.
    pub(crate) fn choose_by(&self, wanted: &Wanted, most: usize, scores: &Numbers) -> (Vec<Sample>, usize) {
        let mut fitting: Vec<Sample> = self.shards.values().flatten().filter(|s| s.fits(wanted)).copied().collect();
        match wanted.order {
            Order::Position => {}
            Order::Sure => fitting.sort_by(|a, b| b.confidence.total_cmp(&a.confidence)),
            Order::Unsure => fitting.sort_by(|a, b| a.confidence.total_cmp(&b.confidence)),
            Order::High | Order::Low => fitting.sort_by(|a, b| {
                let [a, b] = [a, b].map(|sample| scores.get(&sample.image));
                match (a, b) {
                    (Some(a), Some(b)) if wanted.order == Order::High => b.total_cmp(a),
                    (Some(a), Some(b)) => a.total_cmp(b),
                    _ => b.is_some().cmp(&a.is_some()),
                }
            }),
        }
        let (all, limit) = (fitting.len(), wanted.limit.unwrap_or(most).min(most));
        (fitting.into_iter().skip(wanted.offset).take(limit).collect(), all)
    }

    /// The sample of an image of `group`, if the image has a prediction by now.
    pub(crate) fn find(&self, group: &Group, image: u64) -> Option<&Sample> {
        self.shards.get(&(image / group.shard))?.get((image % group.shard) as usize)
    }

    /// Number of samples that are right or wrong, which those without a label are not, and of those that are predicted right.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let all = || self.shards.values().flatten();
        (
            all().filter(|sample| sample.is_right().is_some()).count(),
            all().filter(|sample| sample.is_right() == Some(true)).count(),
        )
    }

    /// Labels that occur, in order.
    pub(crate) fn labels(&self) -> Vec<i64> {
        let labels: BTreeSet<i64> = self.shards.values().flatten().filter_map(|s| s.label).collect();
        labels.into_iter().collect()
    }
}

/// Reads the samples of a `shard` of `group` that has predictions.
fn of_shard(group: &Group, shard: u64, reader: &mut dyn Reader) -> Result<Vec<Sample>, StoreError> {
    let range = group.range(shard);
    let images = range.end - range.start;
    let labels = reader.integers(name::LABELS, shard, images)?;
    let indices = reader.integers(name::INDICES, shard, images)?;
    let logits = reader.floats(name::PREDICTIONS, shard, images)?;
    let sample = |(at, logits): (usize, &[f32])| Sample {
        image: range.start + at as u64,
        index: indices.get(at).copied().unwrap_or(-1),
        label: (labels.len() as u64 == images).then(|| labels[at]).and_then(|label| known(label, group.classes)),
        predicted: predicted(logits) as u32,
        confidence: confidence(logits),
    };
    Ok(logits.chunks_exact(group.classes.max(1)).enumerate().map(sample).collect())
}

/// Reads which images of `group` are predicted right, of all shards that have predictions by now.
pub(super) fn right(group: &Group, ledger: &Ledger) -> Result<BTreeSet<u64>, StoreError> {
    let mut reader = FORMATS.open(&group.store)?;
    let there = ledger.shards(name::PREDICTIONS).filter(|shard| *shard < group.shards() && ledger.is_predicted(*shard));
    let mut right = BTreeSet::new();
    for shard in there {
        let samples = of_shard(group, shard, reader.as_mut())?;
        right.extend(samples.iter().filter(|sample| sample.is_right() == Some(true)).map(|sample| sample.image));
    }
    Ok(right)
}

/// The label, if it is a class of a model with so many logits: the number that stands for no label is none. A single logit has two classes.
fn known(label: i64, logits: usize) -> Option<i64> {
    (0..logits.max(2) as i64).contains(&label).then_some(label)
}

/// Softmax of the predicted class; for a single logit, the logistic function of its absolute value.
fn confidence(logits: &[f32]) -> f32 {
    if let [logit] = logits {
        return 1.0 / (1.0 + (-f64::from(logit.abs())).exp()) as f32;
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    (1.0 / sum) as f32
}

#[cfg(test)]
mod tests;
