//! Metrics that compare sums of the map over random subsets with what the model loses with them.

pub(super) mod completeness;
pub(super) mod faithfulness_correlation;
pub(super) mod faithfulness_estimate;
pub(super) mod infidelity;
pub(super) mod mu_fidelity;
pub(super) mod non_sensitivity;
mod reading;
pub(super) mod sensitivity_n;
