//! Likeness of two maps of one image: the correlation of the ranks of their pixels, and the pixels that are among the first in both.
//!
//! Pixels are put in order by the absolute values of the map summed over channels, so that methods with and without signs can be
//! compared.

use pictures::Panel;

/// One in so many pixels is among the first.
const FIRST: usize = 10;

/// Pixels of a map in order.
pub(in crate::report) struct Ranked {
    /// Rank of each pixel, equal values at their mean rank.
    ranks: Vec<f64>,
    /// Whether a pixel is among the tenth with the largest values; of equal values, the first pixels are.
    first: Vec<bool>,
    count: usize,
}

impl Ranked {
    /// Pixels of `panel` in order; `None` where a value is no finite number.
    pub(in crate::report) fn of(panel: &Panel) -> Option<Self> {
        let values: Vec<f64> = panel.values.iter().map(|value| f64::from(value.abs())).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let count = (values.len() / FIRST).max(1);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let mut first = vec![false; values.len()];
        order.iter().take(count).for_each(|at| first[*at] = true);
        Some(Self { ranks: evaluation::ranks(&values), first, count })
    }
}

/// Mean likeness of maps over images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::report) struct Likeness {
    /// Number of images, and of those whose correlation is defined.
    pub(in crate::report) images: u64,
    defined: u64,
    spearman: f64,
    overlap: f64,
}

impl Likeness {
    /// Adds two maps of an image. Where all values of one are equal, the correlation is undefined.
    pub(in crate::report) fn add(&mut self, one: &Ranked, other: &Ranked) {
        if one.ranks.len() != other.ranks.len() {
            return;
        }
        self.images += 1;
        let both = one.first.iter().zip(&other.first).filter(|(one, other)| **one && **other).count();
        self.overlap += both as f64 / one.count as f64;
        let spearman = evaluation::pearson(&one.ranks, &other.ranks);
        if !spearman.is_nan() {
            self.defined += 1;
            self.spearman += spearman;
        }
    }

    /// Mean of Spearman's correlation; `None` where it is defined for no image.
    pub(in crate::report) fn spearman(&self) -> Option<f64> {
        (self.defined > 0).then(|| self.spearman / self.defined as f64)
    }

    /// Mean share of the first tenth of the pixels that both maps have.
    pub(in crate::report) fn overlap(&self) -> Option<f64> {
        (self.images > 0).then(|| self.overlap / self.images as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(values: &[f32]) -> Option<Ranked> {
        Ranked::of(&Panel { height: 1, width: values.len(), values: values.to_vec() })
    }

    /// scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4]) = 0.9486832980505138; the first pixel of four is the last one in both.
    #[test]
    fn likeness_is_that_of_absolute_values() {
        let mut likeness = Likeness::default();
        likeness.add(&ranked(&[1.0, -2.0, 2.0, -4.0]).unwrap(), &ranked(&[1.0, 3.0, 2.0, 4.0]).unwrap());
        assert!((likeness.spearman().unwrap() - 0.948_683_298_050_513_8).abs() < 1e-14);
        assert_eq!(likeness.overlap(), Some(1.0));
        // A constant map has no order; its first pixel counts as the largest.
        likeness.add(&ranked(&[0.0; 4]).unwrap(), &ranked(&[1.0, 3.0, 2.0, 4.0]).unwrap());
        assert_eq!((likeness.images, likeness.defined, likeness.overlap()), (2, 1, Some(0.5)));
    }

    #[test]
    fn maps_with_values_that_are_no_numbers_are_compared_with_nothing() {
        assert!(ranked(&[1.0, f32::NAN]).is_none() && ranked(&[1.0, f32::INFINITY]).is_none());
        let mut likeness = Likeness::default();
        likeness.add(&ranked(&[1.0, 2.0]).unwrap(), &ranked(&[1.0]).unwrap());
        assert_eq!(likeness, Likeness::default());
    }
}
