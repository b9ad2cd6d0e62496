//! Where the pixels of a value lie, and what an operation makes of them.

/// Place of the pixels of a picture in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The last two dimensions: `[n, c, h, w]`, or with channels in several dimensions before them.
    Planes,
    /// Channels in the last dimension, `[n, h, w, c]`.
    ChannelsLast,
}

/// Effect of an operation on a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spatial<'a> {
    /// A picture of the same layout.
    Kept,
    /// A picture of the same layout, if the channels are in the last dimension.
    OfChannels,
    /// The dimensions of the picture in this order.
    Permuted(&'a [i64]),
    /// The values of the picture in another shape.
    Reshaped,
    /// No picture.
    Lost,
}

impl Layout {
    /// Height and width of a value of `shape`.
    pub(in crate::graph) fn plane(self, shape: &[i64]) -> Option<[i64; 2]> {
        match (self, shape) {
            (Self::Planes, [_, _, .., height, width]) | (Self::ChannelsLast, [_, height, width, _]) => {
                Some([*height, *width])
            }
            _ => None,
        }
    }

    pub(in crate::graph) fn permuted(self, order: &[i64]) -> Option<Self> {
        let last = order.len() as i64;
        match (self, order) {
            (Self::Planes, [0, 2, 3, 1]) => Some(Self::ChannelsLast),
            (Self::ChannelsLast, [0, 3, 1, 2]) => Some(Self::Planes),
            (Self::Planes, [0, .., height, width]) if (*height, *width) == (last - 2, last - 1) => Some(self),
            (Self::ChannelsLast, [0, 1, 2, 3]) => Some(self),
            _ => None,
        }
    }

    pub(in crate::graph) fn reshaped(self, from: &[i64], to: &[i64]) -> Option<Self> {
        let same = from.first() == to.first() && to.len() >= 4 && self.plane(from) == self.plane(to);
        (self == Self::Planes && same).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_and_reshapes_move_the_pixels_or_lose_them() {
        let (planes, last) = (Layout::Planes, Layout::ChannelsLast);
        assert_eq!(planes.permuted(&[0, 2, 3, 1]), Some(last));
        assert_eq!(last.permuted(&[0, 3, 1, 2]), Some(planes));
        assert_eq!(planes.permuted(&[0, 3, 1, 2]), None);
        // A shuffle of channels: [n, g, c / g, h, w].
        assert_eq!(planes.permuted(&[0, 2, 1, 3, 4]), Some(planes));
        assert_eq!(planes.permuted(&[1, 0, 2, 3]), None);
        assert_eq!(planes.reshaped(&[2, 8, 5, 5], &[2, 4, 2, 5, 5]), Some(planes));
        assert_eq!(planes.reshaped(&[2, 4, 2, 5, 5], &[2, 8, 5, 5]), Some(planes));
        assert_eq!(planes.reshaped(&[2, 8, 5, 5], &[2, 8, 25]), None);
        assert_eq!(last.reshaped(&[2, 8, 8, 3], &[2, 2, 4, 2, 4, 3]), None);
    }
}
