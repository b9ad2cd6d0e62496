//! The input gradient of a convolution on blocked values: a convolution too.
//!
//! Here nothing depends on the last bits, so that the scale of the batch norm behind is in the weights.

use tch::{Kind, TchError, Tensor};

use super::small_maps::Few;
use super::winograd::{Tile, Winograd};
use crate::devices::cpu::onednn::{block, convolve};
use crate::operations::{Convolution, Geometry};
use crate::tensors::simd::MOST_IN_BLOCK;

/// Sizes of maps, by the way in which their gradients are computed fastest. The number of images does not count: no bit may
/// depend on this number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Maps {
    Few,
    In(Tile),
}

impl Maps {
    pub(crate) const KINDS: usize = 3;

    /// Kind of maps of `[h, w]` pixels.
    pub(crate) fn of(size: [i64; 2]) -> Self {
        if Few::are(size) { Self::Few } else { Self::In(Tile::of_fewest_products(size)) }
    }

    /// A number below [`Maps::KINDS`].
    pub(crate) fn kind(self) -> usize {
        match self {
            Self::Few => 0,
            Self::In(Tile::Two) => 1,
            Self::In(Tile::Four) => 2,
        }
    }
}

/// Ways to compute the gradient of the input from that of the output.
#[derive(Debug)]
pub(crate) enum InputGradient {
    /// The convolution with turned weights, for stride 1.
    Turned { packed: Tensor, geometry: Geometry },
    /// The convolution with turned weights, for maps of a few pixels.
    Few { packed: Tensor, geometry: Geometry },
    /// The convolution with turned weights of 3x3, in fewer products.
    Winograd { convolution: Winograd, padding: [i64; 2] },
    /// The transposed convolution, with `[out, in, kh, kw]`.
    Transposed { weight: Tensor, geometry: Geometry },
    /// To few channels: see [`Phases`].
    Phases(Phases),
}

impl InputGradient {
    /// Gradient of a convolution with `weight` `[out, in, kh, kw]`, whose output is then multiplied by `scale` `[out]`, for
    /// such maps.
    pub(crate) fn of(
        weight: &Tensor,
        geometry: Geometry,
        scale: Option<&Tensor>,
        maps: Maps,
    ) -> Result<Self, TchError> {
        let weight = match scale {
            Some(scale) => weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?,
            None => weight.shallow_clone(),
        };
        let Geometry { stride, padding, dilation, .. } = geometry;
        if weight.size()[1] < block().unwrap_or(1) && stride[0] == stride[1] && dilation == [1, 1] {
            return Ok(Self::Phases(Phases::of(&weight, stride[0], padding)?));
        }
        let scaled = Convolution::new(weight, None, geometry)?;
        let Some((turned, padding)) = scaled.turned()? else {
            return Ok(Self::Transposed { weight: scaled.weight, geometry });
        };
        let geometry = Geometry { stride: [1, 1], padding, ..geometry };
        Ok(match maps {
            Maps::In(tile) if dilation == [1, 1] && Winograd::fits(&turned) => {
                Self::Winograd { convolution: Winograd::of(&turned, tile)?, padding }
            }
            Maps::In(_) => Self::Turned { packed: packed(&turned)?, geometry },
            Maps::Few => Self::Few { packed: packed(&turned)?, geometry },
        })
    }

    /// The gradient of an input of `[h, w]` pixels from that of the output.
    pub(crate) fn apply(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        match self {
            Self::Turned { packed, geometry } => convolve(gradient, packed, None, *geometry, None, block()),
            Self::Few { packed, geometry } => match Few::of(gradient, packed, *geometry) {
                Some(few) => few.apply(gradient, packed),
                None => convolve(gradient, packed, None, *geometry, None, block()),
            },
            Self::Winograd { convolution, padding } => convolution.apply(gradient, *padding),
            Self::Transposed { weight, geometry } => {
                let (outputs, kernel) = (&gradient.size()[2..4], &weight.size()[2..4]);
                let beyond = [0, 1].map(|axis| {
                    let Geometry { stride, padding, dilation, .. } = geometry;
                    let reach = dilation[axis] * (kernel[axis] - 1);
                    size[axis] - ((outputs[axis] - 1) * stride[axis] - 2 * padding[axis] + reach + 1)
                });
                convolve(gradient, weight, None, *geometry, Some(beyond), block())
            }
            Self::Phases(phases) => phases.apply(gradient, size),
        }
    }
}

/// Weights `[out, in, h, w]` in the layout that the convolution wants, once and not at every call:
/// `[out / b, in / b, h, w, b, b]`. Those for the few channels of an image stay as they are.
pub(crate) fn packed(weight: &Tensor) -> Result<Tensor, TchError> {
    let (out, channels, height, width) = weight.size4()?;
    let block = block().unwrap_or(1);
    if channels % block != 0 || out % block != 0 {
        return weight.f_contiguous();
    }
    let blocks = weight.f_reshape([out / block, block, channels / block, block, height, width])?;
    blocks.f_permute([0, 2, 4, 5, 3, 1])?.f_contiguous()
}

/// A transposed convolution to few channels, such as those of an image, as a dense one.
///
/// With stride s every s-th row of the input has its own part of the kernel. These s x s phases side by
/// side fill the lanes that three channels leave empty: three to four times as fast on ResNet's first
/// convolution (7x7, stride 2).
#[derive(Debug)]
pub(crate) struct Phases {
    /// Packed weights `[c s s, out, kh, kw]`, filled up with zeros to a block of channels.
    packed: Tensor,
    axes: [Axis; 2],
    channels: i64,
    stride: i64,
}

impl Phases {
    fn of(weight: &Tensor, stride: i64, padding: [i64; 2]) -> Result<Self, TchError> {
        let (out, channels, height, width) = weight.size4()?;
        let axes = [Axis::of(height, stride, padding[0]), Axis::of(width, stride, padding[1])];
        let [rows, columns] = [&axes[0], &axes[1]].map(|axis| axis.last - axis.first + 1);
        let count =
            (channels * stride * stride).cast_unsigned().next_multiple_of(MOST_IN_BLOCK.cast_unsigned()).cast_signed();
        let dense = Tensor::f_zeros([count, out, rows, columns], (Kind::Float, weight.device()))?;
        for (row, phase_row, from_row) in axes[0].taps() {
            for (column, phase_column, from_column) in axes[1].taps() {
                let tap = weight.f_select(3, from_column)?.f_select(2, from_row)?.f_transpose(0, 1)?;
                for channel in 0..channels {
                    let phase = (channel * stride + phase_row) * stride + phase_column;
                    let place = dense.f_select(3, column)?.f_select(2, row)?.f_select(0, phase)?;
                    place.shallow_clone().f_copy_(&tap.f_select(0, channel)?)?;
                }
            }
        }
        Ok(Self { packed: packed(&dense)?, axes, channels, stride })
    }

    fn apply(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        let wanted = size.map(|size| (size + self.stride - 1) / self.stride);
        let padding = [0, 1].map(|at| self.axes[at].padding_for(wanted[at], gradient.size()[2 + at]));
        let geometry = Geometry { stride: [1, 1], padding, dilation: [1, 1], groups: 1 };
        let phases = convolve(gradient, &self.packed, None, geometry, None, None)?;
        let mut part = phases.f_narrow(1, 0, self.channels * self.stride * self.stride)?;
        for axis in [0, 1] {
            let (dim, wanted) = (2 + axis as i64, wanted[axis]);
            // Rows and columns of the dense convolution's output before the first pixel.
            let before = padding[axis] + self.axes[axis].first;
            let there = part.size()[dim as usize] - before;
            part = part.f_narrow(dim, before, wanted.min(there))?;
            if there < wanted {
                // Rows that no window touches.
                let missing = wanted - there;
                part = part.f_pad(if axis == 0 { [0, 0, 0, missing] } else { [0, missing, 0, 0] }, "constant", 0.0)?;
            }
        }
        part.f_pixel_shuffle(self.stride)?.f_narrow(2, 0, size[0])?.f_narrow(3, 0, size[1])
    }
}

/// An axis of a kernel, by phases.
///
/// Pixel `s u + a` of the input is under tap `r + s t` of output `u + q - t`, where `r = (a + padding) mod s` and `q = (a +
/// padding - r) / s`.
#[derive(Debug)]
struct Axis {
    kernel: i64,
    stride: i64,
    padding: i64,
    /// Outputs that matter for pixel `s u + a`, from `u + first` to `u + last`, for any phase a.
    first: i64,
    last: i64,
}

impl Axis {
    fn of(kernel: i64, stride: i64, padding: i64) -> Self {
        let mut axis = Self { kernel, stride, padding, first: i64::MAX, last: i64::MIN };
        let offsets: Vec<i64> = axis.offsets().map(|(offset, ..)| offset).collect();
        axis.first = offsets.iter().copied().min().unwrap_or(0);
        axis.last = offsets.iter().copied().max().unwrap_or(0);
        axis
    }

    /// Zeros on both sides of `outputs` outputs with which the dense convolution reaches the first pixel and, of `wanted` rows
    /// of a phase, the last row that an output touches. Rows too many in front are cut off again.
    fn padding_for(&self, wanted: i64, outputs: i64) -> i64 {
        let touched_behind = (wanted - outputs).clamp(0, -self.first.min(0));
        (-self.first).max(self.last + touched_behind).max(0)
    }

    /// Offset of the output, phase, and tap of the kernel.
    fn offsets(&self) -> impl Iterator<Item = (i64, i64, i64)> {
        let Self { kernel, stride, padding, .. } = *self;
        (0..stride).flat_map(move |phase| {
            let rest = (phase + padding) % stride;
            let whole = (phase + padding - rest) / stride;
            (0..).map(move |t| (whole - t, phase, rest + stride * t)).take_while(move |(.., tap)| *tap < kernel)
        })
    }

    /// Offsets from the first tap, with phase and tap.
    fn taps(&self) -> impl Iterator<Item = (i64, i64, i64)> {
        self.offsets().map(|(offset, phase, tap)| (offset - self.first, phase, tap))
    }
}
