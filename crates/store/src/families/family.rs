//! Families of arrays: their members, shapes, element types and valid values.

use sweep::group::Numerics;
use sweep::variant::Variant;

/// Family of arrays that are made, written and checked in the same way.
#[derive(Debug)]
pub struct Family {
    /// Path of the only array, or of the Zarr group that has an array for each member.
    pub path: &'static str,
    /// Members of the family.
    pub members: Members,
    /// Shape of each array.
    pub(crate) shape: Shape,
    /// Element type of each array.
    pub(crate) element: Element,
    /// Values that are valid.
    pub(crate) valid: Valid,
    /// Attribute `description` of each array.
    pub(crate) description: Option<&'static str>,
}

/// Members of a family, each with an array of its own.
#[derive(Debug)]
pub enum Members {
    /// One array for the group, which is written before any map: images, labels, positions or logits.
    OfGroup,
    /// One array for each variant that the function accepts.
    OfVariants(fn(&Numerics, &Variant) -> bool),
    /// One array over all images and one for each class.
    OfClasses,
    /// Arrays of an evaluation, which the group names.
    OfEvaluation,
}

/// Shape of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[images, channels, height, width]`
    Images,
    /// `[channels, height, width]`
    Image,
    /// `[images]`
    Numbers,
    /// `[images]`, or `[images, labels]` of a multi-label set
    Labels,
    /// `[images, classes]`
    Logits,
}

/// Element type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// The type that the config chooses for maps.
    Map,
    /// Single precision.
    Float32,
    /// Integers of 64 bits.
    Int64,
}

/// Values that are valid in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Valid {
    /// Pixels in the range of the preprocessing.
    Pixels,
    /// Finite numbers.
    Finite,
    /// Numbers from 0 to 1.
    Shares,
    /// Labels of the dataset.
    Labels,
    /// Positions of the images in their split.
    Positions,
    /// Any number; NaN where a number is undefined.
    Defined,
}

impl Family {
    /// Path of the array of `member`.
    pub fn of(&self, member: &str) -> String {
        format!("{}/{member}", self.path)
    }

    /// Whether the family has an array for `variant`.
    pub(crate) fn has(&self, numerics: &Numerics, variant: &Variant) -> bool {
        matches!(self.members, Members::OfVariants(has) if has(numerics, variant))
    }

    /// Whether the arrays of the family belong to variants.
    pub fn is_of_variants(&self) -> bool {
        matches!(self.members, Members::OfVariants(_))
    }

    /// Whether each row of an array is an image or a map.
    pub(crate) fn is_of_shape_of_images(&self) -> bool {
        self.shape == Shape::Images
    }

    /// Whether the arrays of the family belong to an evaluation.
    pub fn is_of_evaluation(&self) -> bool {
        matches!(self.members, Members::OfEvaluation)
    }

    /// Whether the arrays of the family are mean images.
    pub(crate) fn is_of_classes(&self) -> bool {
        matches!(self.members, Members::OfClasses)
    }
}
