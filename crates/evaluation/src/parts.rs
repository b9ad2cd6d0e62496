//! Parts of an image that are removed as a whole (values, pixels, patches), and their order by a map.

/// Number that the channels of a pixel become, by which pixels are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    Sum,
    AbsSum,
    MeanAbs,
    MaxAbs,
    PositiveSum,
    /// Every value of the map by itself.
    Each,
}

impl Channels {
    /// The meaning of a word of `channels`.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "abs_sum" => Self::AbsSum,
            "mean_abs" => Self::MeanAbs,
            "max_abs" => Self::MaxAbs,
            "positive_sum" => Self::PositiveSum,
            "each" => Self::Each,
            _ => Self::Sum,
        }
    }

    /// Map `[height, width]` of a map `[channels, height, width]`; for [`Channels::Each`] the map itself.
    pub(crate) fn reduced(self, map: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f64> {
        if self == Self::Each {
            return map.iter().map(|value| f64::from(*value)).collect();
        }
        let pixels = height * width;
        let of_pixel = |pixel: usize| (0..channels).map(move |channel| f64::from(map[channel * pixels + pixel]));
        let number = |pixel: usize| match self {
            Self::Sum | Self::Each => of_pixel(pixel).sum(),
            Self::AbsSum => of_pixel(pixel).map(f64::abs).sum(),
            Self::MeanAbs => of_pixel(pixel).map(f64::abs).sum::<f64>() / channels as f64,
            Self::MaxAbs => of_pixel(pixel).map(f64::abs).fold(0.0, f64::max),
            Self::PositiveSum => of_pixel(pixel).map(|value| value.max(0.0)).sum(),
        };
        (0..pixels).map(number).collect()
    }
}

/// Partition of an image.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Part that each value `[channels, height, width]` belongs to.
    of_value: Vec<u32>,
    /// Number of parts.
    pub(crate) count: usize,
}

impl Parts {
    /// Every value by itself.
    pub(crate) fn values(shape: [usize; 3]) -> Self {
        let count = shape.iter().product();
        Self { of_value: (0..count as u32).collect(), count }
    }

    /// Squares of `side` pixels with all channels, row by row; those at the right and at the bottom may be smaller. A side of 1 gives
    /// pixels.
    pub(crate) fn patches([channels, height, width]: [usize; 3], side: usize) -> Self {
        let across = width.div_ceil(side);
        let patch = |pixel: usize| (pixel / width / side * across + pixel % width / side) as u32;
        let of_pixel: Vec<u32> = (0..height * width).map(patch).collect();
        Self { of_value: of_pixel.repeat(channels), count: across * height.div_ceil(side) }
    }

    /// Rank of each part, 0 for the one with the largest sum of `ranking`, which has a number for each value or each pixel. Of equal
    /// parts the one with the smaller index comes first.
    pub(crate) fn ranks(&self, ranking: &[f64]) -> Vec<u32> {
        self.ranks_of(&self.sums(ranking.iter().copied()))
    }

    /// Rank of each part by its mean, which differs from the rank by its sum where parts are not of the same size.
    pub(crate) fn ranks_by_mean(&self, ranking: &[f64]) -> Vec<u32> {
        let sizes = self.sums(ranking.iter().map(|_| 1.0));
        let means = self.sums(ranking.iter().copied()).into_iter().zip(sizes).map(|(sum, size)| sum / size);
        self.ranks_of(&means.collect::<Vec<_>>())
    }

    /// Sum of the `numbers` of each part.
    fn sums(&self, numbers: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        for (part, number) in self.of_value.iter().zip(numbers) {
            sums[*part as usize] += number;
        }
        sums
    }

    /// Ranks of parts with such sums.
    fn ranks_of(&self, sums: &[f64]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.count as u32).collect();
        // Sums begin with 0, so that zeros of both signs are equal. What is no number is least of all.
        let key = |part: u32| if sums[part as usize].is_nan() { f64::NEG_INFINITY } else { sums[part as usize] };
        order.sort_by(|a, b| key(*b).total_cmp(&key(*a)));
        let mut ranks = vec![0; self.count];
        for (rank, part) in order.into_iter().enumerate() {
            ranks[part as usize] = rank as u32;
        }
        ranks
    }

    /// Whether each value belongs to a part that `is_removed` says of.
    pub(crate) fn removed(&self, is_removed: impl Fn(usize) -> bool) -> Vec<bool> {
        self.of_value.iter().map(|part| is_removed(*part as usize)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_come_in_the_order_of_their_index_and_zeros_of_both_signs_are_equal() {
        let parts = Parts::values([1, 1, 5]);
        assert_eq!(parts.ranks(&[0.0, 1.0, -0.0, 1.0, 0.0]), [2, 0, 3, 1, 4]);
    }

    #[test]
    fn patches_at_the_edge_may_be_smaller_and_have_all_channels() {
        let parts = Parts::patches([2, 3, 3], 2);
        assert_eq!(parts.count, 4);
        assert_eq!(parts.of_value, [0, 0, 1, 0, 0, 1, 2, 2, 3].repeat(2));
        // Sums 4, 2, 2, 1 over the pixels of a map of ones.
        assert_eq!(parts.ranks(&[1.0; 9]), [0, 1, 2, 3]);
        // Means 1, 1, 1 and 2: the pixel in the corner comes first.
        let corner = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0];
        assert_eq!((parts.ranks(&corner), parts.ranks_by_mean(&corner)), (vec![0, 1, 2, 3], vec![1, 2, 3, 0]));
    }

    #[test]
    fn the_channels_of_a_pixel_become_one_number() {
        let (map, shape) = ([1.0, -2.0, -3.0, 4.0], [2, 1, 2]);
        let table = [
            (Channels::Sum, vec![-2.0, 2.0]),
            (Channels::AbsSum, vec![4.0, 6.0]),
            (Channels::MeanAbs, vec![2.0, 3.0]),
            (Channels::MaxAbs, vec![3.0, 4.0]),
            (Channels::PositiveSum, vec![1.0, 4.0]),
            (Channels::Each, vec![1.0, -2.0, -3.0, 4.0]),
        ];
        for (channels, numbers) in table {
            assert_eq!(channels.reduced(&map, shape), numbers);
        }
    }
}
