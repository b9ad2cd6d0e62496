//! Sizes of shapes, which may depend on the number of images.

/// A size of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Fixed(i64),
    /// So many times the number of images.
    Images(i64),
}

impl Size {
    /// The size for so many images.
    pub(crate) fn of(self, images: i64) -> i64 {
        match self {
            Self::Fixed(size) => size,
            Self::Images(times) => times * images,
        }
    }
}
