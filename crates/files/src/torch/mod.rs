//! Tensors in the file format of `torch.save`: read as data, never executed.

mod pickle;
mod tensor_file;
mod tensor_writer;

pub use pickle::{ElementType, bytes as pickled};
pub use tensor_file::{TensorError, TensorFile, bytes};
pub use tensor_writer::TensorWriter;
