//! Metrics of images that are faded by their map.

pub(super) mod average_drop;
pub(super) mod average_drop_in_deletion;
pub(super) mod average_gain;
pub(super) mod average_increase;
mod reading;
