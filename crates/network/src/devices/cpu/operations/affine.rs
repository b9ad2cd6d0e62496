//! Batch norms as fused operations apply them.

use tch::{Kind, TchError, Tensor};

use crate::graph::{How, Operation};
use crate::operations::BatchNorm;
use crate::tensors::slices::values;

/// Scale and shift of each channel, which libtorch computes of a batch norm.
#[derive(Debug)]
pub(crate) struct Affine {
    pub(crate) scale: Tensor,
    shift: Tensor,
}

impl Affine {
    /// Scale and shift of `norm`, with the bits of libtorch's batch norm, which multiplies by `rsqrt(variance + eps) * weight`.
    pub(crate) fn of(norm: &BatchNorm) -> Result<Self, TchError> {
        let scale = norm.variance.f_add_scalar(norm.eps)?.f_rsqrt()?.f_mul(&norm.weight)?;
        let nothing = Tensor::f_zeros([1, scale.size()[0], 1, 1], (Kind::Float, scale.device()))?;
        let shift = norm.run(&[&nothing], How::FORWARD)?.0.f_view([-1])?;
        Ok(Self { scale: scale.f_contiguous()?, shift: shift.f_contiguous()? })
    }

    pub(crate) fn values(&self) -> Result<(&[f32], &[f32]), TchError> {
        Ok((values(&self.scale)?, values(&self.shift)?))
    }
}
