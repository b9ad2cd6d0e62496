//! Part of a store that is exported.

use std::ops::Range;

use sweep::glob::fits;

/// Part of a store that is exported, and the type of its maps.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of method keys, in which `*` stands for any text and `?` for one letter; empty for all methods.
    pub methods: Vec<String>,
    /// Ranges of positions in the store; empty for all images.
    pub images: Vec<Range<u64>>,
    /// Whether maps are exported in single precision, however they are stored.
    pub float32: bool,
}

impl Selection {
    /// Whether the whole store is exported as it is.
    pub fn is_everything(&self) -> bool {
        self.methods.is_empty() && self.images.is_empty() && !self.float32
    }

    /// Whether the variant called `key` is exported.
    pub fn has(&self, key: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|pattern| fits(pattern, key))
    }

    /// Positions that are exported of `images` images, in their order and each once. The error is the range that leads beyond them.
    pub fn positions(&self, images: u64) -> Result<Vec<u64>, Range<u64>> {
        if self.images.is_empty() {
            return Ok((0..images).collect());
        }
        if let Some(beyond) = self.images.iter().find(|range| range.end > images) {
            return Err(beyond.clone());
        }
        let mut positions: Vec<u64> = self.images.iter().cloned().flatten().collect();
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sorted_and_unique_and_within_the_store() {
        let of = |images: &[Range<u64>]| Selection { images: images.to_vec(), ..Selection::default() }.positions(10);
        assert_eq!(of(&[7..9, 0..2, 8..10]), Ok(vec![0, 1, 7, 8, 9]));
        assert_eq!(of(&[]).map(|all| all.len()), Ok(10));
        assert_eq!(of(&[0..1, 5..11]), Err(5..11));
    }
}
