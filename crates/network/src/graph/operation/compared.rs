//! An operation in two passes that `DeepLIFT` compares.

use tch::{TchError, Tensor};

use super::kept::Kept;
use super::sum::Sum;

/// Changes of the input up to this are taken for none, as Captum does. Half precision rounds it to 0 on a CPU, so that a change of 0
/// must count as none, too.
pub(crate) const NO_CHANGE: f64 = 1e-10;

/// An operation with a rule of its own for `DeepLIFT`.
pub(crate) trait Compared {
    /// `DeepLIFT`'s multipliers of each input, from those of the output: `gradient` times the change of
    /// the output over that of the input, between image and baseline.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError>;

    /// As [`Compared::multipliers`], added to the multipliers that have come for each input before.
    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.multipliers(pair, gradient)?)
    }

    /// Whether [`Compared::multipliers`] reads the inputs and the output of both runs.
    fn reads_values(&self) -> bool {
        true
    }
}

/// An operation in the pass of the images and in the pass of their baselines, which may be one row for all images.
pub(crate) struct Pair<'a> {
    pub(crate) here: &'a Kept,
    pub(crate) there: &'a Kept,
    /// Whether Captum's deviations are wanted.
    pub(crate) captum: bool,
    /// Whether this operation, if it is a pooling, keeps its plain gradient.
    pub(crate) pool_is_plain: bool,
    /// Whether this operation, if it is no module of its own, keeps its plain gradient.
    pub(crate) functional_is_plain: bool,
}

impl Pair<'_> {
    /// Input `index` of both passes.
    pub(crate) fn inputs(&self, index: usize) -> Result<(&Tensor, &Tensor), TchError> {
        Ok((self.here.input(index)?, self.there.input(index)?))
    }

    /// Input `index` half way between both passes: a product's change is its gradient there.
    pub(crate) fn midway(&self, index: usize) -> Result<Tensor, TchError> {
        let (now, then) = self.inputs(index)?;
        now.f_add(then)?.f_mul_scalar(0.5)
    }

    /// The output of both passes.
    pub(crate) fn outputs(&self) -> Result<(&Tensor, &Tensor), TchError> {
        Ok((self.here.output()?, self.there.output()?))
    }

    /// The multipliers of an operation that acts on every value by itself: by the rescale rule, or the `plain` gradient where
    /// `is_plain`.
    pub(crate) fn rescaled_unless(
        &self,
        is_plain: bool,
        gradient: &Tensor,
        plain: Tensor,
    ) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![if is_plain { plain } else { self.rescaled(gradient, &plain)? }])
    }

    /// The rescale rule: `gradient` times the change of the output over that of the input; the `plain`
    /// gradient where the input did not change.
    pub(crate) fn rescaled(&self, gradient: &Tensor, plain: &Tensor) -> Result<Tensor, TchError> {
        let ((x, x0), (y, y0)) = (self.inputs(0)?, self.outputs()?);
        let change = x.f_sub(x0)?;
        let slope = gradient.f_mul(&y.f_sub(y0)?)?.f_div(&change)?;
        plain.f_where_self(&change.f_abs()?.f_le(NO_CHANGE)?, &slope)
    }
}
