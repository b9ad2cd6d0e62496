//! The pickle of a bare tensor, as `torch.save(tensor)` writes it: read as data, never executed.
//!
//! Opcodes that describe a tensor are the only ones of the pickle machine that are known. The functions that a pickle
//! names are compared with the two that rebuild a tensor; anything else is refused.

mod machine;
mod objects;
mod writing;

use self::machine::Machine;
use self::objects::Object;
pub(super) use self::objects::Tensor;
pub use self::writing::bytes;
use super::element_type::ElementType;

/// Reads the tensor of float32 or float64 that the whole of `bytes` describes. The error is one sentence.
pub(super) fn tensor(bytes: &[u8]) -> Result<Tensor, String> {
    read(bytes, &[ElementType::Float32, ElementType::Float64])
}

/// Reads the tensor of any known type that the whole of `bytes` describes. The error is one sentence.
pub(super) fn of_any_type(bytes: &[u8]) -> Result<Tensor, String> {
    read(bytes, &ElementType::ALL)
}

fn read(bytes: &[u8], known: &'static [ElementType]) -> Result<Tensor, String> {
    match Machine::new(bytes, known).run()?.as_slice() {
        [Object::Tensor(tensor)] => Ok(Tensor::clone(tensor)),
        _ => Err("it holds something else than one tensor".to_owned()),
    }
}

#[cfg(test)]
mod tests;
