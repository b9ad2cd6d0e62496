//! Normalisations.

pub(super) mod batch_norm;
pub(super) mod group_norm;
pub(super) mod layer_norm;
pub(super) mod of_each_image;
pub(super) mod rms_norm;
