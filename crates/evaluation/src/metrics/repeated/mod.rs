//! Metrics that read maps of noisy copies.

pub(super) mod avg_sensitivity;
pub(super) mod local_lipschitz;
pub(super) mod max_sensitivity;
mod reading;
pub(super) mod relative_input_stability;
pub(super) mod relative_output_stability;
