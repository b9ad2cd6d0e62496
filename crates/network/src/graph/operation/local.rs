//! Operations that act locally: how far a change of a pixel shows, and how changes alone are computed.

use tch::{TchError, Tensor};

use super::Operation;
use super::kept::How;

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

/// An operation whose output depends on a part of the input only.
pub(crate) trait Local: Operation {
    /// How far a change of one pixel of input number `input` shows in the output.
    fn reach(&self, input: usize) -> Reach;

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
    /// How far a change of one pixel of input number `input` shows in the output.
    pub(crate) fn reach_of(&self, input: usize) -> Reach {
        self.local().map_or(Reach::Everywhere, |local| local.reach(input))
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
