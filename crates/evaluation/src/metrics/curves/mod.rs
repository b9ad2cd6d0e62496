//! Metrics that read curves.

pub(super) mod comprehensiveness;
pub(super) mod deletion;
pub(super) mod imputed;
pub(super) mod insertion;
pub(super) mod irof;
pub(super) mod perturbation;
pub(super) mod pixel_flipping;
mod reading;
pub(super) mod selectivity;
pub(super) mod sufficiency;
