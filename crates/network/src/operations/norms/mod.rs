//! Normalisations.

pub(super) mod batch_norm;
pub(super) mod group_norm;
pub(super) mod layer_norm;
pub(super) mod rms_norm;
