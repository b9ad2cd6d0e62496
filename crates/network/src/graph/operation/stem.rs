//! First operations of a network, behind which gradients may be summed before the last linear map backward.

use tch::{TchError, Tensor};

use super::gated::Gate;
use super::kept::Kept;

/// An operation whose backward step is a gate and then a linear map of one input, as that of a convolution with a ReLU.
pub(crate) trait Stem {
    /// The gradient between gate and linear map. Sums of this gradient over rows may be taken.
    fn before_linear(&self, gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError>;

    /// The gradient of the only input, an image of `size`, from what [`Stem::before_linear`] gave.
    fn linear_part(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError>;
}
