//! An array of a store, in whichever form it lies.

use std::ops::Range;

use serde_json::Value;

use super::tensor::Tensor;
use crate::DataError;
use crate::numpy::Element;
use crate::zarr::Array;

/// An array, open for reading along its first axis.
#[derive(Debug)]
pub(crate) enum Column {
    /// An array of a Zarr.
    Array(Array),
    /// A tensor in a file of its own.
    Tensor(Tensor),
}

impl Column {
    /// Sizes of the axes.
    pub(crate) fn shape(&self) -> &[u64] {
        match self {
            Self::Array(array) => &array.metadata.shape,
            Self::Tensor(tensor) => &tensor.shape,
        }
    }

    /// Type of the elements; `None` for elements that are no numbers.
    pub(crate) fn element(&self) -> Option<Element> {
        match self {
            Self::Array(array) => array.metadata.element,
            Self::Tensor(tensor) => Some(tensor.element),
        }
    }

    /// Name of the type of the elements.
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Self::Array(array) => &array.metadata.type_name,
            Self::Tensor(tensor) => tensor.type_name,
        }
    }

    /// Reason for which the type of the elements is refused.
    pub(crate) fn no_numbers(&self) -> String {
        format!("elements of type `{}`, {}", self.type_name(), crate::numpy::EXPECTED)
    }

    /// The array; an error where a part of the array is missing.
    pub(crate) fn demand(self) -> Result<Self, DataError> {
        match self {
            Self::Array(array) => array.demand().map(Self::Array),
            // That the file has all elements is seen when it is opened.
            Self::Tensor(tensor) => Ok(Self::Tensor(tensor)),
        }
    }

    /// Bytes of the elements with indices in `range` along the first axis, in C order.
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        match self {
            Self::Array(array) => array.read(range),
            Self::Tensor(tensor) => tensor.read(range),
        }
    }

    /// Numbers with indices in `range` along the first axis.
    pub(crate) fn floats(&mut self, range: Range<u64>) -> Result<Vec<f32>, DataError> {
        let element = self.element().ok_or_else(|| self.error(self.no_numbers()))?;
        let bytes = self.read(range)?;
        Ok(bytes.chunks_exact(element.size() as usize).map(|bytes| element.number(bytes) as f32).collect())
    }

    /// Value that names the content.
    pub(crate) fn content(&self) -> Value {
        match self {
            Self::Array(array) => array.content(),
            Self::Tensor(tensor) => tensor.content.clone(),
        }
    }

    /// Bytes that reading holds beside the slice.
    pub(crate) fn held(&self) -> u64 {
        match self {
            Self::Array(array) => array.held(),
            Self::Tensor(_) => 0,
        }
    }

    /// Number of rows that are read together best.
    pub(crate) fn together(&self) -> u64 {
        match self {
            Self::Array(array) => array.together(),
            Self::Tensor(_) => 1,
        }
    }

    /// Compares checksums that are not compared where elements are read.
    pub(crate) fn verify(&mut self) -> Result<(), DataError> {
        match self {
            Self::Array(array) => array.verify(),
            Self::Tensor(tensor) => tensor.verify(),
        }
    }

    /// Error about this array.
    pub(crate) fn error(&self, reason: impl Into<String>) -> DataError {
        match self {
            Self::Array(array) => array.error(reason),
            Self::Tensor(tensor) => tensor.error(reason),
        }
    }
}
