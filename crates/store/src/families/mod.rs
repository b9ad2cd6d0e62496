//! Table of the families of arrays in a store: their paths, shapes and element types, and the values that are valid in them.
//!
//! No other file spells the path of an array. The metadata, the ledger, the seal and the checks of `verify` all read this
//! table, so that a new family is one entry here and the code that computes its values.

mod family;

use sweep::group::Dtype;

pub(crate) use family::{Element, Shape, Valid};
pub use family::{Family, Members};

/// Images as the model sees them.
pub const IMAGES: Family = Family {
    path: name::IMAGES,
    members: Members::OfGroup,
    shape: Shape::Images,
    element: Element::Float32,
    valid: Valid::Pixels,
    description: None,
};

/// Labels.
pub const LABELS: Family = Family {
    path: name::LABELS,
    members: Members::OfGroup,
    shape: Shape::Labels,
    element: Element::Int64,
    valid: Valid::Labels,
    description: None,
};

/// Index of each image in its split.
pub const INDICES: Family = Family {
    path: name::INDICES,
    members: Members::OfGroup,
    shape: Shape::Numbers,
    element: Element::Int64,
    valid: Valid::Positions,
    description: None,
};

/// Logits.
pub const PREDICTIONS: Family = Family {
    path: name::PREDICTIONS,
    members: Members::OfGroup,
    shape: Shape::Logits,
    element: Element::Float32,
    valid: Valid::Finite,
    description: None,
};

/// Mean images.
pub const MEANS: Family = Family {
    path: "means",
    members: Members::OfClasses,
    shape: Shape::Image,
    element: Element::Float32,
    valid: Valid::Pixels,
    description: None,
};

/// Convergence deltas of methods whose maps sum to a known number.
pub const CONVERGENCE_DELTAS: Family = Family {
    path: "convergence_delta",
    members: Members::OfVariants(|_, variant| variant.complete),
    shape: Shape::Numbers,
    element: Element::Float32,
    valid: Valid::Finite,
    description: Some("sum of an image's map minus the change of its target logit from the baseline to the image"),
};

/// Losses to half precision.
pub const UNDERFLOW: Family = Family {
    path: "underflow",
    members: Members::OfVariants(|numerics, _| numerics.dtype == Dtype::Float16),
    shape: Shape::Numbers,
    element: Element::Float32,
    valid: Valid::Shares,
    description: Some("share of an image's non-zero values that float16 stores as zero"),
};

/// Maps.
pub const ATTRIBUTIONS: Family = Family {
    path: "attributions",
    members: Members::OfVariants(|_, _| true),
    shape: Shape::Images,
    element: Element::Map,
    valid: Valid::Finite,
    description: None,
};

/// Measurements of maps: `<measurement>/<variant>`, or `<measurement>/images` where no map is looked at. Each measurement has a Zarr
/// group of its own, as xarray wants dimensions of one name in a group to have one size.
pub const MEASUREMENTS: Family = Family {
    path: "measurements",
    members: Members::OfEvaluation,
    shape: Shape::Numbers,
    element: Element::Float32,
    valid: Valid::Defined,
    description: None,
};

/// Scores of maps: `<score>/<variant>`.
pub const SCORES: Family = Family {
    path: "scores",
    members: Members::OfEvaluation,
    shape: Shape::Numbers,
    element: Element::Float32,
    valid: Valid::Defined,
    description: None,
};

/// Name of the array of a measurement that looks at no map.
const OF_IMAGES: &str = "images";

/// Every family, in the order of writing: the maps come last of what a sweep without evaluation has, so that a map in the store has
/// beside it what belongs to it.
pub const FAMILIES: [&Family; 10] = [
    &IMAGES,
    &LABELS,
    &INDICES,
    &PREDICTIONS,
    &MEANS,
    &CONVERGENCE_DELTAS,
    &UNDERFLOW,
    &ATTRIBUTIONS,
    &MEASUREMENTS,
    &SCORES,
];

/// Paths of the arrays that every store has.
pub mod name {
    /// Images as the model saw them, `[N, C, H, W]`.
    pub const IMAGES: &str = "images";
    /// Labels, `[N]`, or `[N, L]` of a multi-label set.
    pub const LABELS: &str = "labels";
    /// Logits, `[N, K]`.
    pub const PREDICTIONS: &str = "model_predictions";
    /// Index of each image in its split, `[N]`.
    pub const INDICES: &str = "original_indices";
}

/// Family of the node at `path`, with the member whose array it is; the Zarr group of a family has no member.
pub fn find(path: &str) -> Option<(&'static Family, Option<&str>)> {
    let (first, member) = path.split_once('/').map_or((path, None), |(first, member)| (first, Some(member)));
    FAMILIES.into_iter().find(|family| family.path == first).map(|family| (family, member))
}

/// Path of the array that holds the maps of the variant called `key`.
pub fn attribution(key: &str) -> String {
    ATTRIBUTIONS.of(key)
}

/// Path of the array that holds `measurement` of the maps of the variant called `key`, or of the images alone.
pub fn measurement(measurement: &str, key: Option<&str>) -> String {
    MEASUREMENTS.of(&format!("{measurement}/{}", key.unwrap_or(OF_IMAGES)))
}

/// Path of the array that holds the `score` of the maps of the variant called `key`.
pub fn score(score: &str, key: &str) -> String {
    SCORES.of(&format!("{score}/{key}"))
}

/// Path of the array that holds, for each image, the share of non-zero values of `key` that float16 stores as zero.
pub fn underflow(key: &str) -> String {
    UNDERFLOW.of(key)
}

/// Path of the array that holds, for each image, what the map of `key` misses of the change of the logit.
pub fn convergence_delta(key: &str) -> String {
    CONVERGENCE_DELTAS.of(key)
}

/// Name of the mean image over all images.
const OVERALL: &str = "overall";
/// First part of the names of the mean images of classes.
const CLASS: &str = "class_";

/// Path of a mean image: over all images, or over those of `class`.
pub(crate) fn mean(class: Option<i64>) -> String {
    class.map_or_else(|| MEANS.of(OVERALL), |class| MEANS.of(&format!("{CLASS}{class}")))
}

/// Class whose mean image is called `member`.
pub(crate) fn class_of_mean(member: &str) -> Option<i64> {
    member.strip_prefix(CLASS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_family_and_member() {
        for family in FAMILIES {
            let (found, member) = find(family.path).unwrap();
            assert_eq!((found.path, member), (family.path, None));
            assert_eq!(
                find(&family.of("a/b")).map(|(found, member)| (found.path, member)),
                Some((family.path, Some("a/b")))
            );
        }
        assert!(find("attributions_of_another_program/IG").is_none());
    }

    #[test]
    fn the_class_of_a_mean_image_is_read_from_its_path() {
        let member = |class| find(&mean(class)).and_then(|(_, member)| member.and_then(class_of_mean));
        assert_eq!([member(Some(12)), member(None)], [Some(12), None]);
    }
}
