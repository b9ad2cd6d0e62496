//! Tensors below graphs: their memory, devices, threads and registers.

pub(crate) mod device;
pub(crate) mod errors;
pub(crate) mod lazy;
pub(crate) mod operators;
pub mod settings;
pub(crate) mod simd;
pub(crate) mod slices;
pub(crate) mod threads;
