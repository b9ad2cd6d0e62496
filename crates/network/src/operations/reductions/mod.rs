//! Operations that make one value of many: poolings, means, extremes, variances, norms.

pub(super) mod average_pool;
pub(super) mod extreme;
pub(super) mod max_pool;
pub(super) mod mean;
pub(super) mod top;
pub(super) mod variance;
pub(super) mod vector_norm;
pub(super) mod windows;
