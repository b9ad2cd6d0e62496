//! Questions and answers of `worker verify`: whether stored predictions and maps are those of the stored images.

use serde::{Deserialize, Serialize};

use sweep::group::{Group, Precision};

/// Largest accepted difference of a logit from the stored logit, as a share of the largest logit of the image, but of 1 at least.
///
/// In float32 on the CPU logits have the same bits whatever the batch; those of a GPU differ by 1e-6 to 1e-4 of the
/// largest, those of another image by far more than this.
const TOLERANCE: f32 = 1e-3;

/// Largest accepted difference in unit roundoffs of a narrower type: up to 1.5 of TF32 and float16 and 1.4 of bfloat16 were seen
/// (`ResNet`, `DenseNet` and VGG, 19 to 201 layers).
const ROUNDOFFS: f32 = 8.0;

/// Longest request that a worker reads, in bytes.
pub const MAX_REQUEST: u64 = 1 << 26;

/// Group whose predictions and maps are to be compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The group, with the variants whose maps are to be compared. Its store is read, never written.
    pub group: Group,
    /// Indices of images whose shards exist: predictions of these images are compared, and a map of each variant at least.
    pub images: Vec<u64>,
    /// Existing shards, in the order in which their maps are compared while time is left.
    pub shards: Vec<u64>,
    /// Seconds for comparing maps.
    pub seconds: f64,
    /// Whether another program has written the store, at the place of the images: it has every map, and by which seed is not known.
    #[serde(default)]
    pub is_theirs: bool,
}

/// Result for one group, or the reason for which nothing was compared. Answers come in the order of the questions.
pub type Answer = Result<Agreement, String>;

/// Result for one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Comparison of each image of the sample.
    pub predictions: Vec<Compared>,
    /// Number of maps that were computed again.
    pub maps: u64,
    /// Stored maps that are wrong.
    pub wrong: Vec<WrongMap>,
    /// Stored maps that are right in the precision of their group, and far from those of double precision.
    #[serde(default)]
    pub rough: Vec<RoughMap>,
    /// Keys of variants whose maps depend on a seed that is not known: they were not compared.
    #[serde(default)]
    pub seeded: Vec<String>,
    /// Reason, in a sentence, for which a part of the request was not compared.
    pub left: Option<String>,
}

/// A stored map that is not the one of its image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongMap {
    /// Key of the variant.
    pub key: String,
    /// Index of the image.
    pub image: u64,
    /// Length of the difference, as a share of the length of the right map; absent if the share is not a number.
    pub off: Option<f32>,
    /// Largest accepted share.
    pub accepted: f32,
}

/// A stored map that single precision has moved by more than [`RoughMap::TOLERANCE`] of its peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoughMap {
    /// Key of the variant.
    pub key: String,
    /// Index of the image.
    pub image: u64,
    /// Largest difference of a pixel from the map in double precision, as a share of the peak of that map.
    pub off: f32,
}

impl RoughMap {
    /// Share of the peak that is worth telling: twice what float16, in which maps are stored, takes of the largest value.
    pub const TOLERANCE: f32 = 1e-3;
}

/// One image, its stored logits and those that the model gives for the stored image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Index of the image.
    pub image: u64,
    /// Largest difference of a logit, as a share of the largest logit, but of 1 at least; absent if the share is not a number.
    pub off: Option<f32>,
    /// Largest accepted difference, as the same share.
    pub accepted: f32,
}

/// Request to `worker verify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Groups to compare.
    pub questions: Vec<Question>,
}

impl Compared {
    /// Compares `stored` logits with those `computed` for `image` by a network that computes in `precision`.
    pub fn new(image: u64, stored: &[f32], computed: &[f32], precision: Precision) -> Self {
        let largest = stored.iter().fold(1.0_f32, |largest, logit| largest.max(logit.abs()));
        let mut differences = stored.iter().zip(computed).map(|(stored, computed)| (stored - computed).abs() / largest);
        // NaN is lost by `max`, so it is looked for.
        let off = differences.try_fold(0.0_f32, |worst, next| if next.is_nan() { None } else { Some(worst.max(next)) });
        let accepted = TOLERANCE.max(ROUNDOFFS * precision.unit_roundoff());
        Self { image, off: off.filter(|_| stored.len() == computed.len()), accepted }
    }

    /// Whether the stored logits are those of the image.
    pub fn agrees(&self) -> bool {
        self.off.is_some_and(|off| off <= self.accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_agree_within_a_thousandth_of_the_largest_and_nan_never_does() {
        let table: [(&[f32], &[f32], bool); 6] = [
            (&[10.0, -20.0], &[10.019, -20.0], true),
            (&[10.0, -20.0], &[10.021, -20.0], false),
            (&[0.0, 0.1], &[0.0009, 0.1], true),
            (&[0.0, 0.1], &[0.0011, 0.1], false),
            (&[f32::NAN, 1.0], &[f32::NAN, 1.0], false),
            (&[1.0], &[1.0, 1.0], false),
        ];
        for (stored, computed, agrees) in table {
            let compared = Compared::new(0, stored, computed, Precision::Float32);
            assert_eq!(compared.agrees(), agrees, "{stored:?} {computed:?}");
        }
    }

    #[test]
    fn logits_of_narrow_types_may_be_off_by_eight_of_their_roundoffs() {
        // 2^-11 and 2^-8 of the largest logit, eight times.
        for (precision, roundoff) in [(Precision::Tf32, 11), (Precision::Float16, 11), (Precision::Bfloat16, 8)] {
            let most = 8.0 * 0.5_f32.powi(roundoff);
            for (share, agrees) in [(0.99, true), (1.01, false)] {
                let compared = Compared::new(0, &[1.0], &[1.0 + share * most], precision);
                assert_eq!(compared.agrees(), agrees, "{precision:?} {share}");
            }
        }
    }
}
