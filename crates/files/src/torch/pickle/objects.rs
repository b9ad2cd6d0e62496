//! Objects that a pickle makes on its way to a tensor, and the description of that tensor.

use std::rc::Rc;

use crate::torch::element_type::ElementType;

/// Description of a tensor, as its pickle has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::torch) struct Tensor {
    /// Type of the elements.
    pub(in crate::torch) element: ElementType,
    /// Name of the storage in the archive.
    pub(in crate::torch) storage: String,
    /// Elements of the storage.
    pub(in crate::torch) elements: u64,
    /// First element of the tensor in the storage.
    pub(in crate::torch) offset: u64,
    pub(in crate::torch) shape: Vec<u64>,
    /// Elements between neighbours along each dimension.
    pub(in crate::torch) strides: Vec<u64>,
}

/// Object on the stack of the pickle machine. Large objects are shared, as a pickle can copy one from its memo many times.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    Mark,
    Global(Rc<str>),
    Text(Rc<str>),
    Integer(i64),
    Boolean,
    Tuple(Rc<[Object]>),
    Hooks,
    Storage { element: ElementType, name: Rc<str>, elements: u64 },
    Tensor(Rc<Tensor>),
}

impl Object {
    /// Tensor of the arguments `(storage, offset, shape, strides, requires_grad, hooks)`.
    pub(super) fn tensor(arguments: &[Self]) -> Result<Self, String> {
        let [
            Self::Storage { element, name, elements },
            Self::Integer(offset),
            Self::Tuple(shape),
            Self::Tuple(strides),
            Self::Boolean,
            Self::Hooks,
        ] = arguments
        else {
            return Err("its pickle describes a tensor in another way than torch.save does".to_owned());
        };
        let number = |object: &Self| match object {
            Self::Integer(number) => u64::try_from(*number).map_err(|_| format!("its tensor has a size {number}")),
            _ => Err("its tensor has a size that is no number".to_owned()),
        };
        Ok(Self::Tensor(Rc::new(Tensor {
            element: *element,
            storage: name.to_string(),
            elements: *elements,
            offset: number(&Self::Integer(*offset))?,
            shape: shape.iter().map(number).collect::<Result<_, _>>()?,
            strides: strides.iter().map(number).collect::<Result<_, _>>()?,
        })))
    }
}
