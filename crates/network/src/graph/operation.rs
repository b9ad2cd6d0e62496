//! What an operation is: a forward step, a backward step by rule, and what `DeepLIFT` makes of it.

use std::fmt;

use tch::{TchError, Tensor};

use super::{Gradient, How, Kept, Rule};
use crate::operations::{BatchNorm, Convolution};

/// One operation of a graph. Its inputs and its output have the images in dimension 0.
pub(crate) trait Operation: fmt::Debug + Send {
    /// The output, and what [`Operation::backward`] needs of this run if `how` asks to keep it.
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError>;

    /// The gradient of each input, from that of the output, by `rule` where the rule says something.
    fn backward(&self, kept: &Kept, gradient: &Tensor, rule: &dyn Rule) -> Result<Vec<Tensor>, TchError>;

    /// `DeepLIFT`'s multipliers of each input, from those of the output: `gradient` times the change of
    /// the output over that of the input, between image and baseline. The plain gradient for an
    /// operation that is linear, and where nobody has defined more.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.backward(pair.here, gradient, &Gradient)
    }

    /// Whether [`Operation::multipliers`] looks at the inputs and the output of both runs.
    fn compares(&self) -> bool {
        false
    }

    /// Whether the output is memory of its own that nothing has kept: its only reader may overwrite it.
    fn gives_away(&self) -> bool {
        false
    }

    /// Whether this is a ReLU: a module of its own, or a function if `functions` count too.
    fn is_relu(&self, _functions: bool) -> bool {
        false
    }

    /// Whether the output is a picture if the input is one: what Grad-CAM may look at.
    fn makes_maps(&self) -> bool {
        false
    }

    /// The convolution, if it is one.
    fn as_convolution(&self) -> Option<&Convolution> {
        None
    }

    /// The batch norm, if it is one.
    fn as_batch_norm(&self) -> Option<&BatchNorm> {
        None
    }
}

/// One operation in the pass of the images and in that of their baselines, which may be one row for all.
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
}
