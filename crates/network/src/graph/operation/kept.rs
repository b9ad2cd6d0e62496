//! Options of the run of an operation, and the values that the run keeps for backward passes.

use tch::{TchError, Tensor};

/// Values that one operation keeps for the backward pass.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Shape of each input.
    pub(crate) shapes: Vec<Vec<i64>>,
    /// Shape of the output.
    pub(crate) output_shape: Vec<i64>,
    /// Tensors that the operation itself chose to keep.
    pub(crate) tensors: Vec<Tensor>,
    /// Inputs and output, where a rule reads them.
    pub(crate) values: Option<(Vec<Tensor>, Tensor)>,
}

/// Options of the run of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Whether a backward pass will follow.
    pub(crate) keep: bool,
    /// Whether the first input may be overwritten.
    pub(crate) overwrite: bool,
    /// Whether this pass will be compared with another one.
    pub(crate) compare: bool,
    /// Number of images in this pass.
    pub(crate) images: i64,
}

impl How {
    /// A run for the output alone.
    pub(crate) const FORWARD: Self = Self { keep: false, overwrite: false, compare: false, images: 0 };
}

impl Kept {
    /// Input `index`, if values were kept.
    pub(crate) fn input(&self, index: usize) -> Result<&Tensor, TchError> {
        self.values.as_ref().and_then(|(inputs, _)| inputs.get(index)).ok_or_else(unkept)
    }

    /// The output, if values were kept.
    pub(crate) fn output(&self) -> Result<&Tensor, TchError> {
        self.values.as_ref().map(|(_, output)| output).ok_or_else(unkept)
    }

    /// The tensor that the operation kept at `index`.
    pub(crate) fn tensor(&self, index: usize) -> Result<&Tensor, TchError> {
        self.tensors.get(index).ok_or_else(unkept)
    }

    /// Height and width of input `index`.
    pub(crate) fn area(&self, index: usize) -> Result<[i64; 2], TchError> {
        match self.shape(index)? {
            [.., height, width] => Ok([*height, *width]),
            other => Err(TchError::Shape(format!("shape {other:?}, expected [n, c, h, w]"))),
        }
    }

    /// Height and width of input `index`, `[n, c, h, w]` or blocked.
    pub(crate) fn plane(&self, index: usize) -> Result<[i64; 2], TchError> {
        match self.shape(index)? {
            [_, _, height, width] | [_, _, height, width, _] => Ok([*height, *width]),
            other => Err(TchError::Shape(format!("shape {other:?}, expected [n, c, h, w]"))),
        }
    }

    /// Shape of input `index`.
    pub(crate) fn shape(&self, index: usize) -> Result<&[i64], TchError> {
        self.shapes.get(index).map(Vec::as_slice).ok_or_else(unkept)
    }
}

/// The error of a backward pass for which the forward pass kept too little.
pub(crate) fn unkept() -> TchError {
    TchError::Shape("the forward pass did not keep what this backward pass needs".to_owned())
}
