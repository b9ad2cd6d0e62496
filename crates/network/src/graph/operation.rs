//! The operations that a graph is made of. The set is closed: forward and backward match all of it.

use tch::{Kind, TchError, Tensor};

use crate::kernel::Convolution;

/// One operation.
#[derive(Debug)]
pub(crate) enum Operation {
    /// The images.
    Input,
    Convolution(Convolution),
    BatchNorm(BatchNorm),
    Relu,
    MaxPool(MaxPool),
    /// Mean over height and width: `[n, c, h, w]` to `[n, c]`.
    GlobalAveragePool,
    Linear(Linear),
    /// Sum of two values.
    Add,
}

/// Batch normalisation with the running statistics of training.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) mean: Tensor,
    pub(crate) variance: Tensor,
    /// `weight / sqrt(variance + EPS)`, `[1, c, 1, 1]`: all that the backward pass needs.
    pub(crate) scale: Tensor,
}

/// Max pooling with square windows.
#[derive(Debug)]
pub(crate) struct MaxPool {
    pub(crate) kernel: i64,
    pub(crate) stride: i64,
    pub(crate) padding: i64,
}

/// `x W^T + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    /// `[out, in]`.
    pub(crate) weight: Tensor,
    /// `[out]`.
    pub(crate) bias: Tensor,
}

impl BatchNorm {
    /// Added to the variance, as torchvision's models do.
    pub(crate) const EPS: f64 = 1e-5;

    /// From the four tensors that PyTorch stores, `[c]` each.
    pub(crate) fn new(weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Result<Self, TchError> {
        let kind = weight.f_kind()?;
        let scale = Self::scale(&weight, &variance)?.f_to_kind(kind)?.f_view([1, -1, 1, 1])?;
        Ok(Self { weight, bias, mean, variance, scale })
    }

    /// `weight / sqrt(variance + EPS)` in double precision.
    pub(crate) fn scale(weight: &Tensor, variance: &Tensor) -> Result<Tensor, TchError> {
        let deviation = variance.f_to_kind(Kind::Double)?.f_add_scalar(Self::EPS)?.f_sqrt()?;
        weight.f_to_kind(Kind::Double)?.f_div(&deviation)
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        input.f_batch_norm(weight, bias, Some(&self.mean), Some(&self.variance), false, 0.1, Self::EPS, true)
    }
}
