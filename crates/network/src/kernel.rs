//! Convolutions whose results depend on the image alone.
//!
//! On the CPU, libtorch's `conv2d` takes other kernels for one image than for two, and for one
//! thread than for more. The sums differ in their last bits, ReLUs near zero flip, and a gradient
//! changes by up to 5 % of its peak (measured on ResNet-50). Asking oneDNN by name gives the same
//! bits for every batch and any number of threads, and those of torchvision with two or more of
//! both. So that oneDNN serves the backward pass too, the input gradient of a convolution with
//! stride 1 is computed as a convolution with turned weights; with a larger stride libtorch takes
//! oneDNN by itself, if the batch has two images at least.

use tch::{Device, Kind, TchError, Tensor};

/// A 2-d convolution and what its input gradient needs.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// `[out, in, k, k]`.
    pub(crate) weight: Tensor,
    /// `[out]`.
    pub(crate) bias: Option<Tensor>,
    /// Step, the same in both directions.
    pub(crate) stride: i64,
    /// Zeros added on every side.
    pub(crate) padding: i64,
    /// `[in, out, k, k]`, turned by 180 degrees.
    turned: Option<Tensor>,
}

impl Convolution {
    /// Prepares the convolution with `weight` `[out, in, k, k]`.
    pub(crate) fn new(weight: Tensor, bias: Option<Tensor>, stride: i64, padding: i64) -> Result<Self, TchError> {
        let (_, _, kernel, _) = weight.size4()?;
        let turned = if stride == 1 && padding < kernel && by_name(&weight)? {
            Some(weight.f_flip([2, 3])?.f_transpose(0, 1)?.f_contiguous()?)
        } else {
            None
        };
        Ok(Self { weight, bias, stride, padding, turned })
    }

    /// `[n, in, h, w]` to `[n, out, h', w']`.
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        if by_name(input)? {
            return input.f_mkldnn_convolution(&self.weight, self.bias.as_ref(), padding, stride, [1, 1], 1);
        }
        input.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, [1, 1], 1)
    }

    /// The gradient of an input of `size` `[h, w]`, from the output's `gradient` `[n, out, h', w']`.
    pub(crate) fn input_gradient(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        let (rows, _, height, width) = gradient.size4()?;
        let kernel = self.weight.size()[2];
        if let Some(turned) = &self.turned {
            let padding = kernel - 1 - self.padding;
            return gradient.f_mkldnn_convolution(turned, None::<&Tensor>, [padding; 2], [1, 1], [1, 1], 1);
        }
        let least = |outputs: i64| (outputs - 1) * self.stride - 2 * self.padding + kernel;
        let beyond = [size[0] - least(height), size[1] - least(width)];
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        let transpose = |gradient: &Tensor| {
            gradient.f_conv_transpose2d(&self.weight, None::<&Tensor>, stride, padding, beyond, 1, [1, 1])
        };
        if rows == 1 && by_name(gradient)? {
            return transpose(&gradient.f_expand([2, -1, -1, -1], false)?)?.f_narrow(0, 0, 1);
        }
        transpose(gradient)
    }
}

/// Whether oneDNN can be asked by name: it computes in single precision on the CPU.
fn by_name(tensor: &Tensor) -> Result<bool, TchError> {
    Ok(tensor.device() == Device::Cpu && tensor.f_kind()? == Kind::Float && tch::utils::has_mkldnn())
}
