//! Convolutional networks on the CPU in the layout in which oneDNN computes.
//!
//! A *blocked* value is an ordinary tensor `[n, c / b, h, w, b]`, where `b` is as many channels as a
//! register of the processor holds. Convolutions take and give it without the two reorders that
//! libtorch's have, and what stands between two convolutions (batch norm, sum, ReLU) is one pass over
//! the memory. The forward pass has the same bits as the plain one, operation by operation: no ReLU
//! flips, and no map changes.
//!
//! The operations here stand for several of the plain graph; [`lower`] puts them in.

mod convolutions;
mod kernels;
mod lower;
mod onednn;
mod operations;

pub(crate) use lower::lower;
pub(crate) use onednn::block;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
