//! Metrics that read curves.

pub(super) mod abpc;
pub(super) mod comprehensiveness;
pub(super) mod deletion;
pub(super) mod insertion;
pub(super) mod irof;
pub(super) mod pixel_flipping;
mod reading;
pub(super) mod region_perturbation;
pub(super) mod road;
pub(super) mod road_combined;
pub(super) mod selectivity;
pub(super) mod sufficiency;
