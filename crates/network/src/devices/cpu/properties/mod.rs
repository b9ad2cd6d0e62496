//! Every kernel against the plain operation in double precision, over shapes: rows from 1 to 40, blocks of channels from 1 to 5,
//! maps of 1 to 17 pixels, one thread and two. `make test` runs them for each width of registers that the machine has, with
//! memory that holds NaN until it is written.

mod convolutions;
mod followers;
mod others;

use tch::{Device, Kind, TchError, Tensor};

use crate::devices::cpu::operations::layout::leave;
use crate::graph::Kept;
use crate::operations::{BatchNorm, Geometry};

/// Largest error, as a share of the largest value: sums of up to 80 channels by 25 taps in single precision, in tiles of Winograd's,
/// are within 1e-5.
pub(super) const TOLERANCE: f64 = 2e-5;
pub(super) const ROWS: std::ops::RangeInclusive<i64> = 1..=40;

/// Numbers that depend on a case alone: the digits of an irrational number times its own.
pub(super) struct Draw(f64);

impl Draw {
    pub(super) fn of(case: i64) -> Self {
        Self(case as f64 * 0.618_033_988_749_895)
    }

    /// Draws a number of `from..=to`.
    pub(super) fn among(&mut self, from: i64, to: i64) -> i64 {
        self.0 = (self.0 * 7.389 + 0.577).fract();
        from + (self.0 * (to - from + 1) as f64) as i64
    }
}

/// A wave whose values have no pattern that sums cancel by; spares libtorch's global generator.
pub(super) fn wave(size: &[i64], pace: f64) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    let wave = count.f_mul_scalar(pace)?.f_add_scalar(0.3)?.f_square()?.f_sin()?;
    wave.f_view(size)?.f_to_kind(Kind::Float)
}

/// Fails unless `found`, blocked or not, is `expected` up to rounding.
pub(super) fn assert_near(found: &Tensor, expected: &Tensor, what: &str) -> Result<(), TchError> {
    let found = if found.dim() == 5 { leave(found)? } else { found.shallow_clone() };
    assert_eq!(found.size(), expected.size(), "{what}");
    let (found, expected) = (found.f_to_kind(Kind::Double)?, expected.f_to_kind(Kind::Double)?);
    let worst = found.f_sub(&expected)?.f_abs()?.f_max()?.f_double_value(&[])?;
    let most = expected.f_abs()?.f_max()?.f_double_value(&[])?.max(1e-3);
    // NaN is less than nothing.
    assert!(worst <= TOLERANCE * most, "{what}: off by {worst:e} where the largest is {most:e}");
    Ok(())
}

/// Runs `act` with one thread and with two; both must give the same bits.
pub(super) fn with_threads(what: &str, act: impl Fn() -> Result<Tensor, TchError>) -> Result<Tensor, TchError> {
    let before = tch::get_num_threads();
    tch::set_num_threads(1);
    let one = act();
    tch::set_num_threads(2);
    let two = act();
    tch::set_num_threads(before);
    let one = one?;
    assert!(one.equal(&two?), "{what}: two threads give other bits than one");
    Ok(one)
}

pub(super) fn double(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_to_kind(Kind::Double)
}

/// The plain convolution in double precision.
pub(super) fn convolved(x: &Tensor, weight: &Tensor, geometry: Geometry) -> Result<Tensor, TchError> {
    let Geometry { stride, padding, dilation, groups } = geometry;
    double(x)?.f_conv2d(&double(weight)?, None::<&Tensor>, stride, padding, dilation, groups)
}

/// The gradient of its input of `[h, w]` pixels.
pub(super) fn transposed(
    gradient: &Tensor,
    weight: &Tensor,
    geometry: Geometry,
    size: [i64; 2],
) -> Result<Tensor, TchError> {
    let Geometry { stride, padding, dilation, groups } = geometry;
    let (outputs, kernel) = (&gradient.size()[2..], &weight.size()[2..]);
    let reached =
        |axis: usize| (outputs[axis] - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel[axis] - 1);
    let beyond = [0, 1].map(|axis| size[axis] - reached(axis) - 1);
    let (gradient, weight) = (double(gradient)?, double(weight)?);
    gradient.f_conv_transpose2d(&weight, None::<&Tensor>, stride, padding, beyond, groups, dilation)
}

/// A convolution of one to five blocks of channels, or of an image, with what it takes.
pub(super) struct Convolved {
    pub(super) x: Tensor,
    pub(super) weight: Tensor,
    pub(super) geometry: Geometry,
    pub(super) what: String,
}

/// Draws a convolution that oneDNN takes in blocks.
pub(super) fn drawn(rows: i64, round: i64, block: i64) -> Result<Option<Convolved>, TchError> {
    let mut draw = Draw::of(rows * 8 + round);
    let (size, kernel) = ([draw.among(1, 17), draw.among(1, 17)], [1, 2, 3, 3, 5, 7][draw.among(0, 5) as usize]);
    let geometry = Geometry::square(draw.among(1, 3), draw.among(0, kernel / 2));
    let channels = if round % 4 == 3 { draw.among(1, 4) } else { draw.among(1, 5) * block };
    let out = draw.among(1, 5) * block;
    if size.iter().any(|size| size + 2 * geometry.padding[0] < kernel) {
        return Ok(None);
    }
    let what = format!("{rows} of {size:?}, {kernel}x{kernel}, {geometry:?}, {channels} to {out} channels");
    let (x, weight) = (wave(&[rows, channels, size[0], size[1]], 0.17)?, wave(&[out, channels, kernel, kernel], 0.29)?);
    Ok(Some(Convolved { x, weight, geometry, what }))
}

/// Scale, shift, mean and variance of `channels`.
pub(super) fn norm(channels: i64) -> Result<BatchNorm, TchError> {
    let of = |pace| wave(&[channels], pace);
    BatchNorm::new([of(0.7)?, of(0.9)?, of(1.1)?, of(1.3)?.f_square()?.f_add_scalar(0.5)?], BatchNorm::EPS)
}

/// Batch norm of `x`, in double precision.
pub(super) fn normalised(norm: &BatchNorm, x: &Tensor) -> Result<Tensor, TchError> {
    let column = |of: &Tensor| double(of)?.f_view([1, -1, 1, 1]);
    let scale = norm.scale()?;
    double(x)?.f_sub(&column(&norm.mean)?)?.f_mul(&column(&scale)?)?.f_add(&column(&norm.bias)?)
}

pub(super) fn kept(inputs: &[&Tensor], output: &Tensor, tensors: Vec<Tensor>) -> Kept {
    let shapes = inputs.iter().map(|input| input.size()).collect();
    Kept { shapes, output_shape: output.size(), tensors, values: None }
}
