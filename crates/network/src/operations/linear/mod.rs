//! Linear maps with weights: convolutions and fully connected layers.

pub(super) mod convolution;
pub(super) mod fully_connected;
pub(super) mod one_dimension;
pub(super) mod transposed;
