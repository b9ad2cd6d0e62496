//! Metrics of the shape of a map.

pub(super) mod complexity;
pub(super) mod effective_complexity;
mod reading;
pub(super) mod sparseness;
pub(super) mod top_mass;
