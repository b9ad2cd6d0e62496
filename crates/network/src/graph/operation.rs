//! What an operation is: a forward step, a backward step by rule, and what `DeepLIFT` makes of it.

use std::fmt;
use std::rc::Rc;

use tch::{TchError, Tensor};

use super::{How, Kept, Rule, Spatial, Sum};
use crate::operations::{BatchNorm, Convolution, Relu};

/// One operation of a graph. Its inputs and its output have the images in dimension 0.
pub(crate) trait Operation: fmt::Debug {
    /// The output, and what [`Operation::backward`] needs of this run if `how` asks to keep it.
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError>;

    /// The gradient of each input, from that of the output, by `rule` where the rule says something.
    fn backward(&self, kept: &Kept, gradient: &Tensor, rule: Rule) -> Result<Vec<Tensor>, TchError>;

    /// Whether its backward step is a rule and then a linear map of one input, as that of a convolution with
    /// a ReLU: [`Operation::before_linear`] and [`Operation::linear_part`].
    fn has_linear_part(&self) -> bool {
        false
    }

    /// The gradient between both. Sums of it over rows may be taken.
    fn before_linear(&self, _: &Kept, gradient: &Tensor, _: Rule) -> Result<Tensor, TchError> {
        Ok(gradient.shallow_clone())
    }

    /// The gradient of the only input, an image of `size`, from what [`Operation::before_linear`] gave.
    fn linear_part(&self, gradient: &Tensor, _size: [i64; 2]) -> Result<Tensor, TchError> {
        Ok(gradient.shallow_clone())
    }

    /// `DeepLIFT`'s multipliers of each input, from those of the output: `gradient` times the change of
    /// the output over that of the input, between image and baseline. The plain gradient for an
    /// operation that is linear, and where nobody has defined more.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.backward(pair.here, gradient, Rule::GRADIENT)
    }

    /// As [`Operation::backward`], added to what has come for each input before.
    fn backward_onto(&self, kept: &Kept, gradient: &Tensor, rule: Rule, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.backward(kept, gradient, rule)?)
    }

    /// As [`Operation::multipliers`], added to what has come for each input before.
    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.multipliers(pair, gradient)?)
    }

    /// Whether [`Operation::multipliers`] looks at the inputs and the output of both runs.
    fn compares(&self) -> bool {
        false
    }

    /// Whether the output is memory of its own that nothing has kept: its only reader may overwrite it.
    fn gives_away(&self) -> bool {
        false
    }

    /// How far a change of one pixel of an input shows in the output.
    fn reach(&self, _input: usize) -> Reach {
        Reach::Everywhere
    }

    /// The output inside of `inputs` that bring their borders along: without padding of its own. Only
    /// asked of operations that do not reach everywhere.
    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.run(inputs, How::FORWARD)?.0)
    }

    /// The operation in two parts, if changes of its output are cheaper to compute than changed outputs.
    fn split(&self) -> Option<&dyn Split> {
        None
    }

    /// What the operation sees outside of its input.
    fn outside(&self) -> f64 {
        0.0
    }

    /// Whether it takes values in any layout, each by itself, and leaves it as it is.
    fn any_layout(&self) -> bool {
        false
    }

    /// The same on blocked values, if there is an operation for it that stands alone.
    fn blocked(&self) -> Option<Rc<dyn Operation>> {
        None
    }

    /// Gives back what was made of the weights for some passes, which make it again; whether there was anything.
    fn forget(&self) -> bool {
        false
    }

    /// What it is to those who rewrite graphs.
    fn part(&self) -> Part<'_> {
        Part::Other
    }

    /// Whether this is a ReLU: a module of its own, or a function if `functions` count too.
    fn is_relu(&self, _functions: bool) -> bool {
        false
    }

    /// Whether no gradient passes it: its backward step gives none.
    fn is_detached(&self) -> bool {
        false
    }

    /// Whether a change of its input may show in its output without a gradient, everywhere.
    fn hides_changes(&self) -> bool {
        self.is_detached()
    }

    /// What becomes of a picture: what Grad-CAM may look at.
    fn spatial(&self) -> Spatial<'_> {
        Spatial::Lost
    }
}

/// An operation as a linear map of its first input and what follows on it.
pub(crate) trait Split {
    /// The linear part of `input`, with the bits of a run.
    fn linear(&self, input: &Tensor) -> Result<Tensor, TchError>;

    /// What follows on `linear`, the linear part of the first input, and on the `others`.
    fn finish(&self, linear: Tensor, others: &[&Tensor]) -> Result<Tensor, TchError>;

    /// The output where `difference` is the change of the first input, border included, and `add` adds the linear
    /// part as it was to a plane of the changed one, by the plane's number.
    ///
    /// It is computed in tiles of [`Split::tile`] pixels from the first one on.
    fn finish_changed(
        &self,
        difference: &Tensor,
        add: &(dyn Fn(usize, &mut [f32]) + Sync),
        others: &[&Tensor],
    ) -> Result<Tensor, TchError>;

    /// Pixels of a tile along each axis. Where tiles lie shows in the last bits.
    fn tile(&self) -> i64;
}

/// Operations that graphs are rewritten by.
pub(crate) enum Part<'a> {
    Convolution(&'a Convolution),
    BatchNorm(&'a BatchNorm),
    Relu(&'a Relu),
    /// Of two values.
    Sum,
    /// Of channels.
    Concatenation,
    Other,
}

/// How far a change of one pixel of an input shows in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In that pixel; of several inputs alike.
    Pixel,
    /// In all windows that hold it. All `[down, across]`.
    Window { kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2], dilation: [i64; 2] },
    /// Anywhere in the image.
    Everywhere,
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
