//! Sizes of shapes, which may depend on the number of images.

/// A size of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Fixed(i64),
    /// A multiple of the number of images, by this factor.
    Images(i64),
}

impl Size {
    /// The size for a number of `images`.
    pub(crate) fn of(self, images: i64) -> i64 {
        match self {
            Self::Fixed(size) => size,
            Self::Images(times) => times * images,
        }
    }
}
