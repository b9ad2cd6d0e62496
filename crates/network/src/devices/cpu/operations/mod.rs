//! Operations on blocked values; most of them stand for several operations of the plain graph.

mod affine;
pub(crate) mod average_pool;
pub(crate) mod convolution;
mod ending;
pub(crate) mod layout;
pub(crate) mod max_pool;
pub(crate) mod normalise;
