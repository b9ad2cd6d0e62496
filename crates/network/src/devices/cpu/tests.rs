//! Input gradients of convolutions against libtorch's transposed convolution, for every way that they are computed.

use tch::{Device, Kind, TchError, Tensor};

use super::convolutions::input_gradient::{InputGradient, Maps, packed};
use super::convolutions::small_maps::{self, Few};
use super::convolutions::winograd::{Tile, Winograd};
use super::onednn::{block, convolve};
use super::operations::convolution::Block;
use super::operations::layout::{enter, leave};
use super::operations::max_pool::Pool;
use crate::graph::{How, Operation, Stem};
use crate::operations::{Convolution, Geometry, MaxPool};

/// A wave: spares libtorch's global generator.
fn wave(size: &[i64], pace: f64) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    count.f_mul_scalar(pace)?.f_sin()?.f_view(size)?.f_to_kind(Kind::Float)
}

fn worst(a: &Tensor, b: &Tensor) -> Result<f64, TchError> {
    a.f_sub(b)?.f_abs()?.f_max()?.f_div(&b.f_abs()?.f_max()?)?.f_double_value(&[])
}

/// Kernel, stride, padding and size of the input, which strides need not divide; channels in and out.
const CASES: [(i64, i64, i64, i64, [i64; 2]); 15] = [
    (3, 1, 1, 17, [64, 64]),
    (3, 1, 1, 40, [64, 128]),
    (3, 1, 0, 13, [128, 64]),
    (3, 1, 2, 9, [64, 64]),
    (3, 1, 1, 2, [64, 32]),
    (5, 1, 2, 1, [32, 32]),
    (3, 1, 0, 4, [16, 48]),
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
    if block().is_none() {
        return Ok(());
    }
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
        for maps in [Maps::of([size; 2]), Maps::In(Tile::Two), Maps::In(Tile::Four)] {
            let made = InputGradient::of(&weight, Geometry::square(stride, padding), Some(&scale), maps)?;
            let ours = made.apply(&enter(&gradient)?, [size; 2])?;
            let ours = if ours.dim() == 5 { leave(&ours)? } else { ours };
            let error = worst(&ours.f_to_kind(Kind::Double)?, &transposed)?;
            assert!(
                error < 1e-5,
                "{kernel}x{kernel} stride {stride} of {size} px, {channels} to {out}, {maps:?}: {error}"
            );
        }
    }
    Ok(())
}

/// Few tiles are shared out by channels, many by tiles: neither shows.
#[test]
fn what_was_made_of_the_weights_is_made_again_with_the_same_bits_once_it_was_forgotten() -> Result<(), TchError> {
    for (kernel, stride, padding, size, [channels, out]) in CASES {
        let weight = wave(&[out, channels, kernel, kernel], 0.37)?;
        let convolution = Convolution::new(weight, None, Geometry::square(stride, padding))?;
        if !Block::fits(&convolution) {
            continue;
        }
        let outputs = (size + 2 * padding - kernel) / stride + 1;
        let gradient = enter(&wave(&[3, out, outputs, outputs], 0.11)?)?;
        let convolution = Block::new(&convolution, None, None)?;
        assert!(!convolution.forget(), "nothing was asked for");
        let before = convolution.linear_part(&gradient, [size; 2])?;
        assert!(convolution.forget() && !convolution.forget());
        assert!(convolution.linear_part(&gradient, [size; 2])?.equal(&before), "{kernel} {stride} {channels}");
    }
    Ok(())
}

#[test]
fn threads_change_no_bit_of_a_winograd_convolution() -> Result<(), TchError> {
    if block().is_none() {
        return Ok(());
    }
    let cases = [(32, 96, 3, 1), (64, 64, 31, 3), (16, 16, 8, 5), (32, 16, 4, 40), (16, 64, 5, 13)];
    for (tile, (channels, out, size, n)) in Tile::ALL.into_iter().flat_map(|tile| cases.map(|case| (tile, case))) {
        let winograd = Winograd::of(&wave(&[out, channels, 3, 3], 0.37)?, tile)?;
        let x = enter(&wave(&[n, channels, size, size], 0.11)?)?;
        let threads = tch::get_num_threads();
        let with = |count| {
            tch::set_num_threads(count);
            winograd.apply(&x, [1, 1])
        };
        let (one, many) = (with(1)?, with(5)?);
        tch::set_num_threads(threads);
        assert!(one.equal(&many), "{tile:?}: {channels} to {out} of {size} px, {n} images");
        let alone = winograd.apply(&x.f_narrow(0, n - 1, 1)?, [1, 1])?;
        assert!(alone.equal(&one.f_narrow(0, n - 1, 1)?), "the last of {n} images by itself");
    }
    Ok(())
}

/// A network whose maps shrink to a few pixels is computed otherwise there, and no ReLU may notice.
#[test]
fn maps_of_a_few_pixels_have_the_bits_of_onednn_on_avx512() -> Result<(), TchError> {
    if block() != Some(16) {
        return Ok(());
    }
    // Kernel, stride, padding, pixels of the input.
    for (kernel, stride, padding, size) in
        [(3, 1, 1, 2), (3, 2, 1, 4), (3, 2, 1, 3), (3, 1, 1, 1), (5, 1, 2, 2), (2, 1, 0, 3)]
    {
        for (channels, out, n) in [(64, 48, 4), (512, 32, 13), (16, 64, 27)] {
            let packed = packed(&wave(&[out, channels, kernel, kernel], 0.37)?)?;
            let (x, geometry) = (enter(&wave(&[n, channels, size, size], 0.11)?)?, Geometry::square(stride, padding));
            let few =
                Few::of(&x, &packed, geometry).ok_or_else(|| TchError::Shape("a map of a few pixels".to_owned()))?;
            let found = few.apply(&x, &packed)?;
            let expected = convolve(&x, &packed, None, geometry, None, block())?;
            assert!(
                found.equal(&expected),
                "{kernel}x{kernel} stride {stride} of {size} px, {channels} to {out}, {n} images"
            );
            let first = x.f_narrow(0, 0, 1)?;
            assert!(
                few.apply(&first, &packed)?.equal(&found.f_narrow(0, 0, 1)?),
                "fewer than {} images",
                small_maps::REST
            );
        }
    }
    Ok(())
}

/// A value that is not finite must come to light in the logits: no pooling may hide it.
#[test]
fn no_number_wins_over_nan_in_a_pooling() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    let dense = wave(&[1, block, 8, 8], 0.37)?;
    let _ = dense.f_narrow(2, 3, 1)?.f_narrow(3, 4, 1)?.f_fill_(f64::NAN)?;
    let pool = MaxPool { kernel: [3; 2], stride: [2; 2], padding: [1; 2], dilation: [1; 2], ceil: false };
    let expected = pool.run(&[&dense], How::FORWARD)?.0.f_isnan()?;
    let blocked = Pool::of(&pool).ok_or_else(|| TchError::Shape("a pooling that fits".to_owned()))?;
    let found = leave(&blocked.run(&[&enter(&dense)?], How::FORWARD)?.0)?.f_isnan()?;
    assert_eq!(expected.f_sum(Kind::Int64)?.f_int64_value(&[])?, 2 * block, "windows that hold the pixel");
    assert!(found.equal(&expected));
    Ok(())
}
