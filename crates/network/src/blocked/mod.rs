//! Convolutional networks on the CPU in the layout in which oneDNN computes.
//!
//! A *blocked* value is an ordinary tensor `[n, c / b, h, w, b]`, where `b` is as many channels as a
//! register of the processor holds. Convolutions take and give it without the two reorders that
//! libtorch's have, and what stands between two convolutions (batch norm, sum, ReLU) is one pass over
//! the memory. The forward pass has the same bits as the plain one, operation by operation: no ReLU
//! flips, and no map changes.
//!
//! The operations here stand for several of the plain graph; [`lower`](crate::graph) puts them in.

mod average_pool;
mod border;
mod convolution;
mod few;
mod gradient;
mod kernels;
mod max_pool;
mod memory;
mod normalise;
mod relu;
mod shim;
mod winograd;

pub(crate) use average_pool::Average;
pub(crate) use border::{Enter, Leave};
pub(crate) use convolution::Block;
pub(crate) use kernels::{Combine, run};
pub(crate) use max_pool::Pool;
pub(crate) use memory::{each_run, values, values_mut};
pub(crate) use normalise::Normalise;
pub(crate) use shim::block;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
