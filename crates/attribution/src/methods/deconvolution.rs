//! Deconvolution: at every ReLU only positive gradients pass, wherever the input was.

use network::Rule;
use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::{Attribution, Pass};

pub(super) const ENTRY: Entry = Entry::new(
    [
        "Deconvolution",
        "gradient with the ReLU applied to itself instead of the forward mask",
        "Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901",
    ],
    &[],
    |_, semantics| Ok(Box::new(Deconvolution(Rectified { semantics }))),
);

/// One forward and one backward pass. Convolutions, pooling and batch norms keep their gradient.
struct Deconvolution(Rectified);

impl Method for Deconvolution {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.backward(&self.0)?.into())
    }

    fn shares_pass(&self) -> bool {
        true
    }
}

struct Rectified {
    semantics: Semantics,
}

impl Rule for Rectified {
    fn relu(&self, gradient: &Tensor, _: &Tensor) -> Result<Tensor, TchError> {
        gradient.f_relu()
    }

    fn reaches_functions(&self) -> bool {
        self.semantics != Semantics::Captum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// g (g > 0), value by value.
    #[test]
    fn only_positive_gradients_pass_wherever_the_input_was() -> Result<(), TchError> {
        let gradient = Tensor::f_from_slice(&[-1.0, 2.0, 3.0, -4.0])?;
        let positive = Tensor::f_from_slice(&[true, true, false, false])?;
        let found = Rectified { semantics: Semantics::Exact }.relu(&gradient, &positive)?;
        assert_eq!(found, Tensor::f_from_slice(&[0.0, 2.0, 3.0, 0.0])?);
        Ok(())
    }
}
