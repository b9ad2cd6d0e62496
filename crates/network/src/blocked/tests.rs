//! Input gradients of convolutions against libtorch's transposed convolution, for every way that they are computed.

use tch::{Device, Kind, TchError, Tensor};

use super::block;
use super::gradient::InputGradient;
use crate::operations::{Convolution, Geometry};

/// A wave: spares libtorch's global generator.
fn wave(size: &[i64], pace: f64) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    count.f_mul_scalar(pace)?.f_sin()?.f_view(size)?.f_to_kind(Kind::Float)
}

fn enter(tensor: &Tensor, block: i64) -> Result<Tensor, TchError> {
    let (n, c, h, w) = tensor.size4()?;
    tensor.f_view([n, c / block, block, h, w])?.f_permute([0, 1, 3, 4, 2])?.f_contiguous()
}

fn leave(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.dim() == 4 {
        return Ok(tensor.shallow_clone());
    }
    let (n, blocks, h, w, block) = tensor.size5()?;
    tensor.f_permute([0, 1, 4, 2, 3])?.f_reshape([n, blocks * block, h, w])
}

fn worst(a: &Tensor, b: &Tensor) -> Result<f64, TchError> {
    a.f_sub(b)?.f_abs()?.f_max()?.f_div(&b.f_abs()?.f_max()?)?.f_double_value(&[])
}

/// Kernel, stride, padding and size of the input, which strides need not divide; channels in and out.
const CASES: [(i64, i64, i64, i64, [i64; 2]); 12] = [
    (3, 1, 1, 17, [64, 64]),
    (3, 1, 1, 40, [64, 128]),
    (3, 1, 0, 13, [128, 64]),
    (3, 1, 2, 9, [64, 64]),
    (1, 1, 0, 11, [64, 32]),
    (5, 1, 2, 12, [32, 32]),
    (3, 2, 1, 19, [32, 64]),
    (1, 2, 0, 14, [32, 64]),
    (7, 2, 3, 33, [3, 64]),
    (7, 2, 3, 32, [3, 64]),
    (3, 1, 1, 20, [3, 64]),
    (4, 4, 0, 22, [3, 32]),
];

#[test]
fn input_gradients_are_those_of_the_transposed_convolution() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (kernel, stride, padding, size, [channels, out]) in CASES {
        let weight = wave(&[out, channels, kernel, kernel], 0.37)?;
        let scale = wave(&[out], 1.3)?;
        let outputs = (size + 2 * padding - kernel) / stride + 1;
        let gradient = wave(&[3, out, outputs, outputs], 0.11)?;
        let beyond = size - ((outputs - 1) * stride - 2 * padding + kernel);
        let scaled = gradient.f_mul(&scale.f_view([1, -1, 1, 1])?)?.f_to_kind(Kind::Double)?;
        let transposed = scaled.f_conv_transpose2d(
            &weight.f_to_kind(Kind::Double)?,
            None::<&Tensor>,
            [stride; 2],
            [padding; 2],
            [beyond; 2],
            1,
            [1; 2],
        )?;
        let convolution = Convolution::new(weight, None, Geometry::square(stride, padding))?;
        let ours = InputGradient::of(&convolution, Some(&scale))?.apply(&enter(&gradient, block)?, [size; 2])?;
        let error = worst(&leave(&ours)?.f_to_kind(Kind::Double)?, &transposed)?;
        assert!(error < 1e-5, "{kernel}x{kernel} stride {stride} of {size} px, {channels} to {out}: {error}");
    }
    Ok(())
}
