//! The trait of operations: a forward step, a plain backward step, and small traits that an operation may join.

pub(crate) mod compared;
pub(crate) mod gated;
pub(crate) mod kept;
pub(crate) mod local;
pub(crate) mod size;
pub(crate) mod spatial;
pub(crate) mod stem;
pub(crate) mod sum;
pub(crate) mod values;

use std::any::Any;
use std::fmt;

use tch::{TchError, Tensor};

use self::compared::Compared;
use self::gated::Gated;
use self::kept::{How, Kept};
use self::local::{Reach, Split};
use self::spatial::Spatial;
use self::stem::Stem;
use self::sum::{Come, Sum};

/// An operation of a graph. Its inputs and its output have the images in dimension 0.
///
/// The graph asks for nothing but [`Operation::run`] and [`Operation::backward`]. An operation that can do more joins
/// one of the small traits, and says so by the method of that name.
pub(crate) trait Operation: Any + fmt::Debug {
    /// Output of the operation, and the values that [`Operation::backward`] needs of this run if `how` asks to keep them.
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError>;

    /// The gradient of each input, from `gradient`, that of the output.
    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError>;

    /// As [`Operation::backward`], added to the gradients that have come for each input before.
    fn backward_onto(&self, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        Sum::add_each(sums, self.backward(kept, gradient)?)
    }

    /// As [`Operation::backward_onto`], of a gradient that may be in two parts.
    fn backward_of(&self, kept: &Kept, come: &Come, sums: &mut [Sum]) -> Result<(), TchError> {
        self.backward_onto(kept, &come.whole()?, sums)
    }

    /// Whether the backward step adds up two gradients of the output on its way, which then come to it apart.
    fn adds_up(&self) -> bool {
        false
    }

    /// The operation as a ReLU, or as one that ends in a ReLU.
    fn gated(&self) -> Option<&dyn Gated> {
        None
    }

    /// The operation with a rule of its own for `DeepLIFT`. The plain gradient is right for linear operations.
    fn compared(&self) -> Option<&dyn Compared> {
        None
    }

    /// The operation as one whose output depends on a part of the input only, pixel by pixel.
    fn local(&self) -> Option<&dyn Local> {
        None
    }

    /// The operation as one whose backward step ends in a linear map of its only input.
    fn stem(&self) -> Option<&dyn Stem> {
        None
    }

    /// Layout of the output, where the input is a picture: Grad-CAM looks at pictures.
    fn spatial(&self) -> Spatial<'_> {
        Spatial::Lost
    }

    /// Whether the output is memory of its own that nothing has kept: its only reader may overwrite it.
    fn gives_away(&self) -> bool {
        false
    }

    /// Whether the operation accepts values in any layout and keeps the layout, because it acts on each value by itself.
    fn any_layout(&self) -> bool {
        false
    }

    /// Whether no gradient passes the operation: its backward step gives none.
    fn is_detached(&self) -> bool {
        false
    }

    /// Whether a change of the input may show in the output without a gradient, everywhere.
    fn hides_changes(&self) -> bool {
        self.is_detached()
    }

    /// Whether the operation is an attention, in which tokens look at one another.
    fn mixes_tokens(&self) -> bool {
        false
    }

    /// Whether the operation normalises each token by itself.
    fn normalises_tokens(&self) -> bool {
        false
    }

    /// Frees tensors that some passes made of the weights and would make again. Returns whether there were any.
    fn forget(&self) -> bool {
        false
    }
}

/// An operation whose output depends on a part of the input only.
pub(crate) trait Local: Operation {
    /// Reach of a change of one pixel of input number `input` in the output: that pixel, unless an operation says more.
    fn reach(&self, _input: usize) -> Reach {
        Reach::Pixel
    }

    /// The output inside of `inputs` that bring their borders along: without padding of the operation's own. Only
    /// called where [`Local::reach`] is not everywhere.
    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.run(inputs, How::FORWARD)?.0)
    }

    /// The value that the operation sees outside of its input.
    fn outside(&self) -> f64 {
        0.0
    }

    /// The operation in two parts, if changes of its output are cheaper to compute than changed outputs.
    fn split(&self) -> Option<&dyn Split> {
        None
    }
}

impl dyn Operation {
    /// The operation as a `T`; `None` if its type is another. Rules, lowering and rewriting recognise operations by their type.
    pub(crate) fn as_a<T: Operation>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// Reach of a change of one pixel of input number `input` in the output.
    pub(crate) fn reach_of(&self, input: usize) -> Reach {
        self.local().map_or(Reach::Everywhere, |local| local.reach(input))
    }
}
