//! Metrics of maps for other classes, of other models and of other methods.

pub(super) mod agreement;
pub(super) mod efficient_mprt;
pub(super) mod mprt;
pub(super) mod random_logit;
