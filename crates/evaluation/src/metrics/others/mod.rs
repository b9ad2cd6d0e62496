//! Metrics of maps for other classes.

pub(super) mod random_logit;
