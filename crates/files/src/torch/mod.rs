//! Tensors in the file format of `torch.save`: read as data, never executed.

mod pickle;
mod tensor_file;

pub use pickle::bytes as pickled;
pub use tensor_file::{TensorError, TensorFile, bytes};
