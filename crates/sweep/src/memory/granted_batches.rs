//! Batch sizes: how many images of a variant are attributed at once. They go with a grant, as they depend on the device, and change no
//! map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Batch size of a variant on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedBatch {
    /// Number of images that are attributed at once.
    pub images: usize,
    /// Whether the number is a guess: the worker takes more images where memory allows and more is faster.
    pub grows: bool,
}

/// Batch sizes of variants on a device, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantedBatches(pub BTreeMap<String, GrantedBatch>);

impl GrantedBatches {
    /// Batch size for variants that are computed together: the smallest batch size of these variants, and a guess if all are
    /// guesses. A variant without a batch size has a guess of one image.
    pub fn of<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> GrantedBatch {
        let unknown = GrantedBatch { images: 1, grows: true };
        let sizes = keys.into_iter().map(|key| self.0.get(key).copied().unwrap_or(unknown));
        let both = |one: GrantedBatch, other: GrantedBatch| GrantedBatch {
            images: one.images.min(other.images),
            grows: one.grows && other.grows,
        };
        let size = sizes.reduce(both).unwrap_or(unknown);
        GrantedBatch { images: size.images.max(1), ..size }
    }

    /// Batch sizes that are divided by `divisor`, which are no guesses any more.
    #[must_use]
    pub fn divided(self, divisor: usize) -> Self {
        let divided = |size: GrantedBatch| GrantedBatch {
            images: (size.images / divisor.max(1)).max(1),
            grows: size.grows && divisor <= 1,
        };
        Self(self.0.into_iter().map(|(key, size)| (key, divided(size))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[(&str, usize, bool)]) -> GrantedBatches {
        GrantedBatches(
            of.iter().map(|&(key, images, grows)| (key.to_owned(), GrantedBatch { images, grows })).collect(),
        )
    }

    #[test]
    fn together_the_smallest_counts_and_one_that_was_measured_ends_the_guessing() {
        let sizes = sizes(&[("a", 8, true), ("b", 4, true), ("c", 16, false), ("none", 0, false)]);
        assert_eq!(sizes.of(["a", "b"]), GrantedBatch { images: 4, grows: true });
        assert_eq!(sizes.of(["a", "c"]), GrantedBatch { images: 8, grows: false });
        assert_eq!(sizes.of(["none"]), GrantedBatch { images: 1, grows: false });
        assert_eq!(sizes.of(["a", "unknown"]), GrantedBatch { images: 1, grows: true });
        assert_eq!(sizes.of([]), GrantedBatch { images: 1, grows: true });
    }

    #[test]
    fn divided_sizes_are_one_image_at_least_and_do_not_grow() {
        let divided = sizes(&[("a", 9, true), ("b", 1, false)]).divided(4);
        assert_eq!(divided, sizes(&[("a", 2, false), ("b", 1, false)]));
        assert_eq!(sizes(&[("a", 9, true)]).divided(1), sizes(&[("a", 9, true)]));
    }
}
