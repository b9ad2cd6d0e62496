//! Tensors in the file format of `torch.save`: read as data, never executed.

mod element_type;
mod pickle;
mod tensor_file;
mod tensor_writer;

pub use element_type::ElementType;
pub use pickle::bytes as pickled;
pub use tensor_file::{TensorError, TensorFile, bytes};
pub use tensor_writer::TensorWriter;
