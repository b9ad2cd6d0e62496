//! Convolutions whose results depend on the image alone.
//!
//! On the CPU, libtorch's `conv2d` takes other kernels for one image than for two, and for one
//! thread than for more. The sums differ in their last bits, ReLUs near zero flip, and a gradient
//! changes by up to 5 % of its peak (measured on ResNet-50). Asking oneDNN by name gives the same
//! bits for every batch and any number of threads, and those of torchvision with two or more of
//! both. So that oneDNN serves the backward pass too, the input gradient of a convolution with
//! stride 1 is computed as a convolution with turned weights; with a larger stride libtorch takes
//! oneDNN by itself, if the batch has two images at least.

use std::rc::Rc;

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Local, Operation, Reach, Spatial};
use crate::programs::{Call, Entry, ExportError, Value, Windows};
use crate::tensors::device::single_on_cpu;
use crate::tensors::lazy::Lazy;

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "convolution",
    summary: "2-d convolution, with groups and dilation",
    deep_lift: "linear",
    aten: &["aten.conv2d"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let (weight, bias) = (call.constant("weight")?, call.optional_constant("bias")?);
    let dilation = call.get("dilation", [1; 2])?;
    let padding = match call.optional::<[i64; 2]>("padding") {
        Ok(padding) => padding.unwrap_or([0; 2]),
        Err(_) => named_padding(call, &weight, dilation)?,
    };
    let geometry = Geometry { stride: call.get("stride", [1; 2])?, padding, dilation, groups: call.get("groups", 1)? };
    let channels = call.shape("input")?;
    if weight.dim() != 4 || channels.len() != 4 || geometry.groups < 1 {
        return Err(call.fault("weight", "expected a convolution of [n, c, h, w]"));
    }
    let windows = Windows { stride: geometry.stride, padding };
    call.room_for_windows("input", windows, weight.size().first().copied())?;
    let convolution = Convolution::new(weight, bias, geometry)?;
    call.apply(convolution, &[input])
}

/// Padding by name: `valid`, or `same` where that is as much on both sides.
pub(in crate::operations) fn named_padding(
    call: &Call<'_>,
    weight: &Tensor,
    dilation: [i64; 2],
) -> Result<[i64; 2], ExportError> {
    let name: String = call.need("padding")?;
    let size = weight.size();
    let whole = [0, 1].map(|axis| dilation[axis] * (size.get(2 + axis).copied().unwrap_or(1) - 1));
    match name.as_str() {
        "valid" => Ok([0; 2]),
        "same" if whole.iter().all(|whole| whole % 2 == 0) => Ok(whole.map(|whole| whole / 2)),
        _ => Err(call.fault("padding", "`same` with an even kernel pads one side more; pad before the convolution")),
    }
}

/// A 2-d convolution and what its input gradient needs.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// Weights `[out, in / groups, kh, kw]`.
    pub(crate) weight: Tensor,
    /// Bias `[out]`.
    pub(crate) bias: Option<Tensor>,
    pub(crate) geometry: Geometry,
    /// Whether its transpose is a convolution too, of oneDNN's.
    turns: bool,
    /// Weights of the transpose `[in, out / groups, kh, kw]`, turned by 180 degrees, made when they are first asked for:
    /// lowered graphs have their own.
    turned: Lazy<Tensor>,
}

/// Weights `[in, out / groups, kh, kw]` of the convolution that is the transpose of another convolution, and its padding.
type Turned = (Rc<Tensor>, [i64; 2]);

/// Geometry of a moving window, in pixels `[down, across]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) stride: [i64; 2],
    /// Zeros added on both sides.
    pub(crate) padding: [i64; 2],
    /// Distance between the taps of a window.
    pub(crate) dilation: [i64; 2],
    /// Parts into which the channels fall.
    pub(crate) groups: i64,
}

impl Geometry {
    /// Square, dense, in one group.
    pub(crate) fn square(stride: i64, padding: i64) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2], groups: 1 }
    }
}

impl Convolution {
    /// Prepares the convolution with `weight` `[out, in / groups, kh, kw]`.
    pub(crate) fn new(weight: Tensor, bias: Option<Tensor>, geometry: Geometry) -> Result<Self, TchError> {
        // Where a weight did not fit into the memory, a placeholder is in its place.
        weight.size4()?;
        let turns = geometry.stride == [1, 1] && by_name(&weight)?;
        let mut convolution = Self { weight, bias, geometry, turns, turned: Lazy::default() };
        convolution.turns &= (0..2).all(|axis| convolution.reach(axis) >= geometry.padding[axis]);
        Ok(convolution)
    }

    /// Distance in pixels from the first tap of a window to the last.
    pub(crate) fn reach(&self, axis: usize) -> i64 {
        self.geometry.dilation[axis] * (self.weight.size()[2 + axis] - 1)
    }

    /// The weights of the convolution that is this one's transpose.
    fn turn(&self) -> Result<Tensor, TchError> {
        let (out, within, height, width) = self.weight.size4()?;
        let groups = self.geometry.groups;
        let grouped = self.weight.f_view([groups, out / groups, within, height, width])?;
        let turned = grouped.f_flip([3, 4])?.f_transpose(1, 2)?.f_contiguous()?;
        turned.f_view([groups * within, out / groups, height, width])
    }

    /// Weights of the convolution that is the transpose of this convolution with stride 1, and its padding.
    pub(crate) fn turned(&self) -> Result<Option<Turned>, TchError> {
        if !self.turns {
            return Ok(None);
        }
        let padding = [0, 1].map(|axis| self.reach(axis) - self.geometry.padding[axis]);
        Ok(Some((self.turned.get(|| self.turn())?, padding)))
    }

    /// `[n, in, h, w]` to `[n, out, h', w']`.
    fn padded(&self, input: &Tensor, padding: [i64; 2]) -> Result<Tensor, TchError> {
        let Geometry { stride, dilation, groups, .. } = self.geometry;
        if by_name(input)? {
            return input.f_mkldnn_convolution(&self.weight, self.bias.as_ref(), padding, stride, dilation, groups);
        }
        input.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, dilation, groups)
    }

    /// The gradient of an input of `size` `[h, w]`, from the output's `gradient` `[n, out, h', w']`.
    pub(crate) fn input_gradient(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        let (rows, _, height, width) = gradient.size4()?;
        let Geometry { stride, padding, dilation, groups } = self.geometry;
        if let Some((turned, padding)) = self.turned()? {
            return gradient.f_mkldnn_convolution(&turned, None::<&Tensor>, padding, [1, 1], dilation, groups);
        }
        let outputs = [height, width];
        let least = |axis: usize| (outputs[axis] - 1) * stride[axis] - 2 * padding[axis] + self.reach(axis) + 1;
        let beyond = [0, 1].map(|axis| size[axis] - least(axis));
        let transpose = |gradient: &Tensor| {
            gradient.f_conv_transpose2d(&self.weight, None::<&Tensor>, stride, padding, beyond, groups, dilation)
        };
        if rows == 1 && by_name(gradient)? {
            return transpose(&gradient.f_expand([2, -1, -1, -1], false)?)?.f_narrow(0, 0, 1);
        }
        transpose(gradient)
    }
}

impl Operation for Convolution {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((self.padded(inputs[0], self.geometry.padding)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let [height, width] = kept.area(0)?;
        Ok(vec![self.input_gradient(gradient, [height, width])?])
    }

    fn forget(&self) -> bool {
        self.turned.forget()
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Convolution {
    fn reach(&self, _: usize) -> Reach {
        let Geometry { stride, padding, dilation, .. } = self.geometry;
        let size = self.weight.size();
        Reach::Window { kernel: [size[2], size[3]], stride, padding, dilation }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        self.padded(inputs[0], [0, 0])
    }
}

/// Whether oneDNN can be asked by name: it computes in single precision on the CPU.
fn by_name(tensor: &Tensor) -> Result<bool, TchError> {
    Ok(single_on_cpu(tensor)? && tch::utils::has_mkldnn())
}
