//! Accuracy: the share of images that a model predicts right.
//!
//! Weights that fit a model by names and shapes may still be those of another network, with another activation, stride or
//! preprocessing. No file shows that, but predictions do.

use std::collections::BTreeMap;
use std::fmt;

use sweep::group::Group;

use crate::error::StoreError;
use crate::families::name;
use crate::formats::FORMATS;
use crate::ledger::Ledger;

/// Largest number of bytes of logits that is read. Of more logits, shards at equal distances are read.
const MOST: u64 = 32 << 20;
/// Number of images below which an accuracy says little.
const FEW: u64 = 50;

/// Accuracy on one group. Images without a label of the model's classes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuracy {
    /// Number of images whose largest logit is that of their label.
    pub right: u64,
    /// Number of images that count.
    pub predicted: u64,
    /// Number of images that have the most frequent label.
    pub most_frequent: u64,
    /// Number of classes of the model.
    pub classes: u64,
}

impl Accuracy {
    /// Counts over the predicted shards of `group`; `None` where no shard is predicted, or images have several labels.
    ///
    /// # Errors
    /// [`StoreError`] where a shard that is there cannot be read.
    pub fn of(group: &Group, ledger: &Ledger) -> Result<Option<Self>, StoreError> {
        // A single logit has two classes.
        let (logits_each, classes) = (group.classes.max(1), group.classes.max(2));
        let there: Vec<u64> = (0..group.shards()).filter(|shard| ledger.is_predicted(*shard)).collect();
        let bytes = group.shard.saturating_mul(logits_each as u64 * size_of::<f32>() as u64);
        let every = (there.len() as u64).saturating_mul(bytes).div_ceil(MOST).max(1) as usize;
        let mut shards = FORMATS.open(&group.store)?;
        let (mut right, mut labels_seen) = (0, BTreeMap::<i64, u64>::new());
        for shard in there.into_iter().step_by(every) {
            let range = group.range(shard);
            let images = range.end - range.start;
            let labels = shards.integers(name::LABELS, shard, images)?;
            if labels.len() as u64 != images {
                return Ok(None);
            }
            let logits = shards.floats(name::PREDICTIONS, shard, images)?;
            for (label, logits) in labels.iter().zip(logits.chunks_exact(logits_each)) {
                if !(0..classes as i64).contains(label) {
                    continue;
                }
                *labels_seen.entry(*label).or_default() += 1;
                right += u64::from(predicted(logits) == *label as usize);
            }
        }
        let (predicted, most_frequent) =
            (labels_seen.values().sum(), labels_seen.values().copied().max().unwrap_or_default());
        let classes = classes as u64;
        Ok((predicted > 0).then_some(Self { right, predicted, most_frequent, classes }))
    }

    /// Reason to doubt that the weights belong to the model and the data, as a clause: chance would hardly do worse. `is_clean` says
    /// whether the images are without noise.
    pub fn doubt(&self, is_clean: bool) -> Option<String> {
        if self.predicted < FEW {
            return None;
        }
        let chance = 1.0 / self.classes as f64;
        if self.share() <= chance + self.spread(chance) {
            return Some(format!("no more than chance, {:.0} % for {} classes", 100.0 * chance, self.classes));
        }
        let most = self.most_frequent as f64 / self.predicted as f64;
        (is_clean && self.share() < most - self.spread(most))
            .then(|| format!("fewer than the {:.0} % that have the most frequent label", 100.0 * most))
    }

    fn share(&self) -> f64 {
        self.right as f64 / self.predicted as f64
    }

    /// Two standard deviations of the accuracy of a model that is right with probability `share`.
    fn spread(&self, share: f64) -> f64 {
        2.0 * (share * (1.0 - share) / self.predicted as f64).sqrt()
    }
}

/// Index of the largest logit, the first of equal logits. For a model of a single logit: 1 if the logit is above zero, otherwise 0.
pub fn predicted(logits: &[f32]) -> usize {
    if let [logit] = logits {
        return usize::from(*logit > 0.0);
    }
    let larger = |best: usize, (at, logit): (usize, &f32)| if *logit > logits[best] { at } else { best };
    logits.iter().enumerate().fold(0, larger)
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} images predicted right ({:.1} %)", self.right, self.predicted, 100.0 * self.share())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_does_too_is_doubted_and_noise_may_bring_a_model_below_the_most_frequent_label() {
        let of = |right, predicted, most_frequent| Accuracy { right, predicted, most_frequent, classes: 10 };
        // Chance gives 100 of 1000, give or take 2 times 9.49.
        assert!(of(118, 1000, 200).doubt(false).is_some_and(|told| told.starts_with("no more than chance, 10 %")));
        assert_eq!(of(120, 1000, 110).doubt(true), None);
        // 400 of 1000 have one label: a share of 0.4, give or take 0.031.
        assert!(of(360, 1000, 400).doubt(true).is_some_and(|told| told.contains("the 40 % that have")));
        assert_eq!((of(370, 1000, 400).doubt(true), of(360, 1000, 400).doubt(false)), (None, None));
        assert_eq!(of(0, 49, 49).doubt(true), None);
    }

    #[test]
    fn the_first_of_equal_logits_is_the_prediction_and_a_single_one_tells_by_its_sign() {
        assert_eq!([predicted(&[1.0, 3.0, 3.0]), predicted(&[-2.0, -5.0]), predicted(&[])], [1, 0, 0]);
        assert_eq!([predicted(&[0.5]), predicted(&[-0.5]), predicted(&[0.0])], [1, 0, 0]);
    }
}
