//! Convolutional networks on GPUs: what follows a convolution is one kernel of ours, forward and backward.
//!
//! Convolutions stay the library's. Behind each, libtorch makes one pass over the memory for batch norm, sum, ReLU and the signs of
//! it, and on the way back one for the signs and one for the scale; `DeepLIFT`'s rule takes eight. Here each is one pass, and the
//! scale is in the weights of the way back. Values are ordinary tensors, with channels first or last as the weights are.
//!
//! Images with a hidden window are computed where the window shows: a kernel cuts the boxes out of the clean pass (`crop`).
//!
//! `kernels/kernels.cu` is compiled when a worker begins, by the compiler that comes with libtorch, for the GPU that is there. Where
//! that cannot be done, passes run on the plain graph, and a note says why. Tests run the same text on the processor.

mod crop;
mod end;
mod launch;
mod lower;
mod memory;
mod operation;
mod pool;
mod rounding;

pub(crate) use launch::driver::rounds_to_tf32;
pub(crate) use lower::lower;
pub use rounding::{Halves, halves};

#[cfg(test)]
mod tests;
