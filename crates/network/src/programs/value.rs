//! The values of a program while it is read.

use std::rc::Rc;

use tch::{Kind, Tensor};

use crate::graph::Id;

/// A value of the program.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Computed from the images.
    Images(Id),
    /// A tensor that is equal for all images: computed while loading.
    Constant(Rc<Tensor>),
    /// The outputs of one call.
    List(Vec<Value>),
    /// The output of a call that was not understood.
    Lost,
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Constant(Rc::new(tensor))
    }
}

impl Value {
    /// The tensor, if it does not depend on the images.
    pub(crate) fn tensor(&self) -> Option<&Tensor> {
        match self {
            Self::Constant(tensor) => Some(tensor),
            Self::Images(_) | Self::List(_) | Self::Lost => None,
        }
    }
}

/// Bytes of a value that a call has made without the images.
pub(super) fn bytes_of(value: &Value) -> u64 {
    match value {
        Value::Images(_) | Value::Lost => 0,
        Value::Constant(tensor) => (tensor.numel() * tensor.f_kind().map_or(8, Kind::elt_size_in_bytes)) as u64,
        Value::List(values) => values.iter().map(bytes_of).sum(),
    }
}
