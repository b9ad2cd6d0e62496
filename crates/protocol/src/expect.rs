//! Questions and answers of `worker expect`: weights may fit a model by names and shapes and be another network's.

use serde::{Deserialize, Serialize};

use sweep::group::Group;

/// Images of a group that are to be predicted. The group has no noise and no variants.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Group, whose store is not read.
    pub group: Group,
    /// Indices of images.
    pub images: Vec<u64>,
}

/// Measurement of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Number of images whose largest logit is that of their label.
    pub right: u64,
    /// Logits of the first image.
    pub logits: Vec<f32>,
}

/// Measurement, or the reason for which nothing was measured. Answers come in the order of the questions.
pub type Answer = Result<Measured, String>;

/// Indices of `count` of `all` images, equally far apart.
pub fn spread(count: u64, all: u64) -> Vec<u64> {
    let count = count.min(all);
    (0..count).map(|at| (u128::from(at) * u128::from(all) / u128::from(count)) as u64).collect()
}

/// Largest distance of the share of right answers among `count` of `all` images from `share`, that among all of them: three
/// standard deviations of a sample that is drawn without putting back.
pub fn chance(share: f64, count: u64, all: u64) -> f64 {
    let left = all.saturating_sub(count) as f64 / all.saturating_sub(1).max(1) as f64;
    3.0 * (share * (1.0 - share) * left / count.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_equally_far_apart_and_has_no_image_twice() {
        assert_eq!(spread(4, 10), [0, 2, 5, 7]);
        assert_eq!(spread(5, 3), [0, 1, 2]);
        assert_eq!(spread(3, 0), [0_u64; 0]);
    }

    #[test]
    fn a_whole_split_leaves_nothing_to_chance() {
        assert_eq!(chance(0.9, 100, 100), 0.0);
        // 3 sqrt(0.09 / 100 * 900 / 999)
        assert!((chance(0.9, 100, 1000) - 0.0854).abs() < 1e-3);
    }
}
