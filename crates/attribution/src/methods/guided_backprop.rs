//! Guided backpropagation: at every ReLU only positive gradients pass, and only where the input was positive.

use network::Rule;
use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::{Entry, Method};
use crate::{Attribution, Pass};

pub(super) const ENTRY: Entry = Entry::new(
    [
        "GuidedBackprop",
        "gradient whose negative parts are cut at every ReLU",
        "Springenberg et al. 2014, https://arxiv.org/abs/1412.6806",
    ],
    &[],
    |_, semantics| Ok(Box::new(GuidedBackprop(Guided { semantics }))),
);

/// One forward and one backward pass. The map is signed.
struct GuidedBackprop(Guided);

impl Method for GuidedBackprop {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.backward(&self.0)?.into())
    }

    fn shares_pass(&self) -> bool {
        true
    }
}

/// The rule at a ReLU.
pub(super) struct Guided {
    pub(super) semantics: Semantics,
}

impl Rule for Guided {
    fn relu(&self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError> {
        gradient.f_mul(positive)?.f_relu_()
    }

    fn reaches_functions(&self) -> bool {
        self.semantics != Semantics::Captum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// g (g > 0) (x > 0), value by value.
    #[test]
    fn only_positive_gradients_pass_and_only_where_the_input_was_positive() -> Result<(), TchError> {
        let gradient = Tensor::f_from_slice(&[-1.0, 2.0, 3.0, -4.0])?;
        let positive = Tensor::f_from_slice(&[true, true, false, false])?;
        let found = Guided { semantics: Semantics::Exact }.relu(&gradient, &positive)?;
        assert_eq!(found, Tensor::f_from_slice(&[0.0, 2.0, 0.0, 0.0])?);
        Ok(())
    }
}
