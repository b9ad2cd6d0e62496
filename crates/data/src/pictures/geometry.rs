//! Sizes: what torchvision's `Resize` and `CenterCrop` make of the size of a picture.

/// Sizes on the way from a picture to a square image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Length in pixels that the shorter side is scaled to.
    pub(crate) shorter: usize,
    /// Height and width in pixels of the middle part that is kept.
    pub(crate) size: usize,
}

impl Geometry {
    /// Sizes for images of `size` pixels: 256 and 224, or the same ratio.
    pub(crate) fn of(size: usize) -> Self {
        Self { shorter: (size * 256 + 112) / 224, size }
    }

    /// Height and width of a picture of the size `[height, width]` once it is scaled: the longer side is cut down to a whole number.
    pub(super) fn scaled(self, [height, width]: [usize; 2]) -> [usize; 2] {
        let longer = |longer: usize, shorter: usize| self.shorter * longer / shorter;
        if width <= height { [longer(height, width), self.shorter] } else { [self.shorter, longer(width, height)] }
    }

    /// First row and column of the part that is kept of a scaled picture. Halves are rounded to even numbers, as Python does it.
    pub(super) fn corner(self, scaled: [usize; 2]) -> [usize; 2] {
        scaled.map(|side| {
            let spare = side.saturating_sub(self.size);
            let half = spare / 2;
            half + (spare % 2) * (half % 2)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of `torchvision.transforms.functional.resize` and `center_crop`: int(256 * 500 / 375) = 341; round(85 / 2) = 42,
    /// round(117 / 2.0) = round(58.5) = 58, round(3 / 2.0) = 2.
    #[test]
    fn sizes_and_corners_are_those_of_torchvision() {
        let geometry = Geometry::of(224);
        assert_eq!(geometry, Geometry { shorter: 256, size: 224 });
        assert_eq!(geometry.scaled([375, 500]), [256, 341]);
        assert_eq!(geometry.scaled([500, 375]), [341, 256]);
        assert_eq!(geometry.scaled([3, 3]), [256, 256]);
        assert_eq!(geometry.corner([256, 341]), [16, 58]);
        assert_eq!(geometry.corner([227, 225]), [2, 0]);
        assert_eq!([28, 32, 64, 299].map(|size| Geometry::of(size).shorter), [32, 37, 73, 342]);
    }
}
