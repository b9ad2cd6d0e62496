//! ReLUs on the way back: the operations at which backpropagation methods differ.

use tch::{TchError, Tensor};

use super::kept::Kept;
use super::sum::{Come, Sum};

/// Gate of a ReLU in a backward pass: up to two factors make the gradient of the input from that of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Whether the gradient passes only where the input was positive.
    pub masked: bool,
    /// Whether the gradient passes only where the gradient is positive.
    pub rectified: bool,
}

impl Gate {
    /// The gate of the plain gradient.
    pub const PLAIN: Self = Self { masked: true, rectified: false };

    /// Gradient of a ReLU's input, from that of its output; `positive` says where the input was.
    pub(crate) fn passed(self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError> {
        let passed = if self.masked { gradient.f_mul(positive)? } else { gradient.shallow_clone() };
        if self.rectified { passed.f_relu() } else { Ok(passed) }
    }
}

/// An operation that is a ReLU or ends in one, whose gate a rule may replace.
pub(crate) trait Gated {
    /// Whether the model calls the function instead of a module: Captum's hooks miss functions.
    fn is_functional(&self) -> bool;

    /// Adds the gradient of each input, from `gradient` of the output, which passes the ReLU by `gate`.
    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError>;

    /// As [`Gated::backward_by`], of a gradient that may be in two parts.
    fn backward_of_come(&self, gate: Gate, kept: &Kept, come: &Come, sums: &mut [Sum]) -> Result<(), TchError> {
        self.backward_by(gate, kept, &come.whole()?, sums)
    }
}
