//! Magnitudes of the values of maps, added up map by map.

/// Power of ten at which the first bin begins.
pub(in crate::report) const FROM: i32 = -12;
/// Bins of a factor of ten.
pub(in crate::report) const TO_TEN: usize = 4;
/// Bins, up to 1e8. What is smaller or larger is in the first or last one.
const BINS: usize = 20 * TO_TEN;

/// Sums over the values of the maps of a method.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Magnitudes {
    /// Number of maps.
    pub(in crate::report) images: u64,
    /// Number of values, and of those that are zero, and that are no finite number.
    pub(in crate::report) values: u64,
    pub(in crate::report) zeros: u64,
    pub(in crate::report) not_finite: u64,
    /// Sum of the absolute values, and of the positive values.
    pub(in crate::report) sum: f64,
    pub(in crate::report) positive: f64,
    /// Largest absolute value.
    pub(in crate::report) largest: f64,
    /// Sum over the maps of the median absolute value.
    medians: f64,
    /// Numbers of values that are not zero, by their magnitude.
    pub(in crate::report) bins: Vec<u64>,
}

impl Magnitudes {
    pub(in crate::report) fn new() -> Self {
        let (images, values, zeros, not_finite) = (0, 0, 0, 0);
        let (sum, positive, largest, medians) = (0.0, 0.0, 0.0, 0.0);
        Self { images, values, zeros, not_finite, sum, positive, largest, medians, bins: vec![0; BINS] }
    }

    /// Adds the values of a map, which may be put in another order.
    pub(in crate::report) fn add(&mut self, map: &mut [f32]) {
        self.images += 1;
        self.values += map.len() as u64;
        for value in map.iter().map(|value| f64::from(*value)) {
            let size = value.abs();
            if !value.is_finite() {
                self.not_finite += 1;
            } else if size == 0.0 {
                self.zeros += 1;
            } else {
                let bin = ((size.log10() - f64::from(FROM)) * TO_TEN as f64).floor();
                self.bins[bin.clamp(0.0, BINS as f64 - 1.0) as usize] += 1;
                self.sum += size;
                self.positive += value.max(0.0);
                self.largest = self.largest.max(size);
            }
        }
        self.medians += median(map);
    }

    /// Mean absolute value; `None` without a value.
    pub(in crate::report) fn mean(&self) -> Option<f64> {
        let finite = self.values - self.not_finite;
        (finite > 0).then(|| self.sum / finite as f64)
    }

    /// Mean over the maps of the median absolute value.
    pub(in crate::report) fn median(&self) -> Option<f64> {
        (self.images > 0).then(|| self.medians / self.images as f64)
    }

    /// Share of the values that are zero.
    pub(in crate::report) fn zero_share(&self) -> Option<f64> {
        (self.values > 0).then(|| self.zeros as f64 / self.values as f64)
    }

    /// Share of the positive values in the sum of the absolute values.
    pub(in crate::report) fn positive_share(&self) -> Option<f64> {
        (self.sum > 0.0).then(|| self.positive / self.sum)
    }
}

/// Median of the absolute values that are finite; 0 where there are none.
fn median(map: &mut [f32]) -> f64 {
    for value in map.iter_mut() {
        *value = value.abs();
    }
    let (mut finite, all) = (0, map.len());
    for at in 0..all {
        if map[at].is_finite() {
            map.swap(at, finite);
            finite += 1;
        }
    }
    let map = &mut map[..finite];
    if map.is_empty() {
        return 0.0;
    }
    let (below, middle, _) = map.select_nth_unstable_by(finite / 2, f32::total_cmp);
    let middle = f64::from(*middle);
    if finite % 2 == 1 {
        return middle;
    }
    f64::midpoint(middle, below.iter().copied().max_by(f32::total_cmp).map_or(middle, f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy: np.median([1, 0, 4, 0.25]) is 0.625; log10(4) is 0.602, bin (12 + 0.602) * 4 = 50.
    #[test]
    fn sums_leave_out_what_is_no_number_and_count_it() {
        let mut all = Magnitudes::new();
        all.add(&mut [1.0, 0.0, -4.0, f32::NAN, 0.25]);
        all.add(&mut [2.0]);
        assert_eq!((all.images, all.values, all.zeros, all.not_finite, all.largest), (2, 6, 1, 1, 4.0));
        assert_eq!((all.mean(), all.median()), (Some(7.25 / 5.0), Some(1.3125)));
        assert_eq!((all.zero_share(), all.positive_share()), (Some(1.0 / 6.0), Some(3.25 / 7.25)));
        assert_eq!([45, 48, 49, 50].map(|bin| all.bins[bin]), [1, 1, 1, 1]);
        assert_eq!(Magnitudes::new().mean(), None);
    }

    #[test]
    fn the_smallest_and_the_largest_values_are_in_the_bins_at_the_ends() {
        let mut all = Magnitudes::new();
        all.add(&mut [1e-30, 1e30, 0.0]);
        assert_eq!((all.bins[0], all.bins[BINS - 1], all.zeros), (1, 1, 1));
    }
}
