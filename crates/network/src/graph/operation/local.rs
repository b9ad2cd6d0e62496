//! Reach of the change of a pixel, and operations in two parts, of which changes alone can be computed.

use tch::{TchError, Tensor};

/// Reach of a change of one pixel of an input in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The same pixel of the output, for each of several inputs.
    Pixel,
    /// All windows that hold the pixel. All sizes are `[down, across]`, in pixels.
    Window { kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2], dilation: [i64; 2] },
    /// The whole image.
    Everywhere,
}

/// An operation as a linear map of its first input and an end that follows on this map.
pub(crate) trait Split {
    /// The linear part of `input`, with the bits of a run.
    fn linear(&self, input: &Tensor) -> Result<Tensor, TchError>;

    /// The output, from `linear`, the linear part of the first input, and from the `others`.
    fn finish(&self, linear: Tensor, others: &[&Tensor]) -> Result<Tensor, TchError>;

    /// The output where `difference` is the change of the first input, border included, and `add` adds the linear
    /// part as it was to a plane of the changed one, by the plane's number.
    ///
    /// The output is computed in tiles of [`Split::tile`] pixels, from the first pixel on.
    fn finish_changed(
        &self,
        difference: &Tensor,
        add: &(dyn Fn(usize, &mut [f32]) + Sync),
        others: &[&Tensor],
    ) -> Result<Tensor, TchError>;

    /// Pixels of a tile along each axis. Where tiles lie shows in the last bits.
    fn tile(&self) -> i64;
}
