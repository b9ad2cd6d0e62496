//! Every kernel against the plain operation in double precision, over shapes: rows from 1 to 40, blocks of channels from 1 to 5,
//! maps of 1 to 17 pixels, one thread and two. `make test` runs them for each width of registers that the machine has, with
//! memory that holds NaN until it is written.

use sweep::machine::Isa;
use tch::{Device, Kind, TchError, Tensor};

use super::block;
use super::border::{enter, leave};
use super::convolution::Block;
use super::few::Few;
use super::gradient::{InputGradient, Maps, packed};
use super::kernels::{self, Combine};
use super::max_pool::Pool;
use super::memory::{each_run, values, values_mut};
use super::normalise::Normalise;
use super::winograd::{Tile, Winograd};
use crate::graph::{How, Kept, Operation, Pair, Rule};
use crate::operations::{BatchNorm, Convolution, Geometry, MaxPool, Relu};

/// Of the largest value: sums of up to 80 channels by 25 taps in single precision, in tiles of Winograd's, are within 1e-5.
const TOLERANCE: f64 = 2e-5;
const ROWS: std::ops::RangeInclusive<i64> = 1..=40;

/// Numbers that depend on a case alone: the digits of an irrational number times its own.
struct Draw(f64);

impl Draw {
    fn of(case: i64) -> Self {
        Self(case as f64 * 0.618_033_988_749_895)
    }

    /// One of `from..=to`.
    fn among(&mut self, from: i64, to: i64) -> i64 {
        self.0 = (self.0 * 7.389 + 0.577).fract();
        from + (self.0 * (to - from + 1) as f64) as i64
    }
}

/// A wave whose values have no pattern that sums cancel by; spares libtorch's global generator.
fn wave(size: &[i64], pace: f64) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    let wave = count.f_mul_scalar(pace)?.f_add_scalar(0.3)?.f_square()?.f_sin()?;
    wave.f_view(size)?.f_to_kind(Kind::Float)
}

/// Fails unless `found`, blocked or not, is `expected` up to rounding.
fn assert_near(found: &Tensor, expected: &Tensor, what: &str) -> Result<(), TchError> {
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
fn with_threads(what: &str, act: impl Fn() -> Result<Tensor, TchError>) -> Result<Tensor, TchError> {
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

fn double(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_to_kind(Kind::Double)
}

/// The plain convolution in double precision.
fn convolved(x: &Tensor, weight: &Tensor, geometry: Geometry) -> Result<Tensor, TchError> {
    let Geometry { stride, padding, dilation, groups } = geometry;
    double(x)?.f_conv2d(&double(weight)?, None::<&Tensor>, stride, padding, dilation, groups)
}

/// The gradient of its input of `[h, w]` pixels.
fn transposed(gradient: &Tensor, weight: &Tensor, geometry: Geometry, size: [i64; 2]) -> Result<Tensor, TchError> {
    let Geometry { stride, padding, dilation, groups } = geometry;
    let (outputs, kernel) = (&gradient.size()[2..], &weight.size()[2..]);
    let reached =
        |axis: usize| (outputs[axis] - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel[axis] - 1);
    let beyond = [0, 1].map(|axis| size[axis] - reached(axis) - 1);
    let (gradient, weight) = (double(gradient)?, double(weight)?);
    gradient.f_conv_transpose2d(&weight, None::<&Tensor>, stride, padding, beyond, groups, dilation)
}

#[test]
fn tiles_of_winograd_are_the_plain_convolution_for_every_number_of_rows() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (tile, rows) in Tile::ALL.into_iter().flat_map(|tile| ROWS.map(move |rows| (tile, rows))) {
        let mut draw = Draw::of(rows);
        // Maps of one tile have as many rows as images; others some more.
        for most in [tile.outputs(), 17] {
            let (size, padding) = ([draw.among(1, most), draw.among(1, most)], [draw.among(0, 2), draw.among(1, 2)]);
            let (channels, out) = (draw.among(1, 5) * block, draw.among(1, 5) * block);
            if (0..2).any(|axis| size[axis] + 2 * padding[axis] < 3) {
                continue;
            }
            let what = format!("{tile:?}: {rows} of {size:?} padded by {padding:?}, {channels} to {out} channels");
            let (x, weight) = (wave(&[rows, channels, size[0], size[1]], 0.11)?, wave(&[out, channels, 3, 3], 0.37)?);
            let winograd = Winograd::of(&weight, tile)?;
            let found = with_threads(&what, || winograd.apply(&enter(&x)?, padding))?;
            let geometry = Geometry { padding, ..Geometry::square(1, 0) };
            assert_near(&found, &convolved(&x, &weight, geometry)?, &what)?;
        }
    }
    Ok(())
}

#[test]
fn maps_of_a_few_pixels_are_the_plain_convolution_for_every_number_of_images() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    let mut tried = 0;
    for (rows, round) in ROWS.flat_map(|rows| (0..4).map(move |round| (rows, round))) {
        let mut draw = Draw::of(rows * 4 + round);
        let (size, kernel) = ([draw.among(1, 5), draw.among(1, 5)], draw.among(1, 5));
        let geometry = Geometry::square(draw.among(1, 2), draw.among(0, kernel / 2));
        let (channels, out) = (draw.among(1, 5) * block, draw.among(1, 5) * block);
        let what = format!("{rows} of {size:?}, {kernel}x{kernel}, {geometry:?}, {channels} to {out} channels");
        let (x, weight) =
            (wave(&[rows, channels, size[0], size[1]], 0.13)?, wave(&[out, channels, kernel, kernel], 0.31)?);
        let (blocked, packed) = (enter(&x)?, packed(&weight)?);
        if size.iter().any(|size| size + 2 * geometry.padding[0] < kernel) {
            continue;
        }
        let Some(few) = Few::of(&blocked, &packed, geometry) else { continue };
        let found = with_threads(&what, || few.apply(&blocked, &packed))?;
        assert_near(&found, &convolved(&x, &weight, geometry)?, &what)?;
        tried += 1;
    }
    assert!(tried > 40, "{tried} only");
    Ok(())
}

/// A convolution of one to five blocks of channels, or of an image, with what it takes.
struct Convolved {
    x: Tensor,
    weight: Tensor,
    geometry: Geometry,
    what: String,
}

/// One that oneDNN takes in blocks.
fn drawn(rows: i64, round: i64, block: i64) -> Result<Option<Convolved>, TchError> {
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

#[test]
fn every_way_of_an_input_gradient_is_the_transposed_convolution() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (rows, round) in ROWS.flat_map(|rows| (0..4).map(move |round| (rows, round))) {
        // oneDNN's own may differ in their last bits by threads.
        tch::set_num_threads(1 + (round % 2) as i32);
        let Some(Convolved { x, weight, geometry, what }) = drawn(rows, round, block)? else { continue };
        let size = [x.size()[2], x.size()[3]];
        let gradient = wave(&convolved(&x, &weight, geometry)?.size(), 0.23)?;
        let expected = transposed(&gradient, &weight, geometry, size)?;
        for maps in [Maps::of(size), Maps::In(Tile::Two), Maps::In(Tile::Four)] {
            let made = InputGradient::of(&weight, geometry, None, maps)?;
            let what = format!("{what}, {maps:?}");
            assert_near(&made.apply(&enter(&gradient)?, size)?, &expected, &what)?;
        }
    }
    Ok(())
}

/// Scale, shift, mean and variance of `channels`.
fn norm(channels: i64) -> Result<BatchNorm, TchError> {
    let of = |pace| wave(&[channels], pace);
    BatchNorm::new([of(0.7)?, of(0.9)?, of(1.1)?, of(1.3)?.f_square()?.f_add_scalar(0.5)?], BatchNorm::EPS)
}

/// The same in double precision, of `x`.
fn normalised(norm: &BatchNorm, x: &Tensor) -> Result<Tensor, TchError> {
    let column = |of: &Tensor| double(of)?.f_view([1, -1, 1, 1]);
    let scale = norm.scale()?;
    double(x)?.f_sub(&column(&norm.mean)?)?.f_mul(&column(&scale)?)?.f_add(&column(&norm.bias)?)
}

fn kept(inputs: &[&Tensor], output: &Tensor, tensors: Vec<Tensor>) -> Kept {
    let shapes = inputs.iter().map(|input| input.size()).collect();
    Kept { shapes, output_shape: output.size(), tensors, values: None }
}

#[test]
fn a_convolution_with_all_that_follows_it_is_what_the_plain_operations_give() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (rows, round) in ROWS.flat_map(|rows| (0..4).map(move |round| (rows, round))) {
        // oneDNN's own may differ in their last bits by threads.
        tch::set_num_threads(1 + (round % 2) as i32);
        let Some(Convolved { x, weight, geometry, what }) = drawn(rows, round, block)? else { continue };
        let convolution = Convolution::new(weight.shallow_clone(), None, geometry)?;
        let (norm, relu) = (norm(weight.size()[0])?, Relu { functional: false });
        let fused = Block::new(&convolution, Some(&norm), Some(&relu))?;
        let before = normalised(&norm, &convolved(&x, &weight, geometry)?)?;
        let residual = wave(&before.size(), 0.19)?;
        let given = if x.size()[1] % block == 0 { enter(&x)? } else { x.shallow_clone() };
        let inputs = [&given, &enter(&residual)?];
        let how = How { keep: true, images: rows, ..How::FORWARD };
        let (y, tensors) = fused.run(&inputs, how)?;
        assert_near(&y, &before.f_add(&residual)?.f_relu()?, &what)?;
        // Where single precision says that the ReLU is open.
        let gradient = wave(&before.size(), 0.41)?;
        let passed = double(&gradient)?.f_mul(&leave(&y)?.f_gt(0.0)?)?;
        let gradients = fused.backward(&kept(&inputs, &y, tensors), &enter(&gradient)?, Rule::GRADIENT)?;
        assert_near(&gradients[1], &passed, &format!("{what}, gradient of what is added"))?;
        let scaled = passed.f_mul(&norm.scale()?.f_view([1, -1, 1, 1])?)?;
        let expected = transposed(&scaled, &weight, geometry, [x.size()[2], x.size()[3]])?;
        assert_near(&gradients[0], &expected, &format!("{what}, gradient"))?;
    }
    Ok(())
}

#[test]
fn changes_are_the_convolution_of_the_difference_on_top_of_what_was_there() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for rows in ROWS {
        let mut draw = Draw::of(rows);
        let (size, kernel) = ([draw.among(3, 17), draw.among(3, 17)], [1, 3, 3][draw.among(0, 2) as usize]);
        let (channels, out) = (draw.among(1, 5) * block, draw.among(1, 5) * block);
        let what = format!("{rows} of {size:?}, {kernel}x{kernel}, {channels} to {out} channels");
        let weight = wave(&[out, channels, kernel, kernel], 0.27)?;
        let geometry = Geometry::square(1, 0);
        let fused = Block::new(&Convolution::new(weight.shallow_clone(), None, geometry)?, None, None)?;
        let Some(split) = fused.split() else { continue };
        let difference = wave(&[rows, channels, size[0], size[1]], 0.21)?;
        let expected = convolved(&difference, &weight, geometry)?;
        let before = enter(&wave(&expected.size(), 0.33)?)?;
        let plane = before.numel() / (rows * out / block) as usize;
        let there = values::<f32>(&before)?;
        let add = |index: usize, out: &mut [f32]| {
            let y = &there[index * plane..][..plane];
            kernels::run(block as usize, Combine { x: out, y, sign: 1.0 });
        };
        let found = with_threads(&what, || split.finish_changed(&enter(&difference)?, &add, &[]))?;
        assert_near(&found, &expected.f_add(&leave(&before)?)?, &what)?;
    }
    Ok(())
}

#[test]
fn the_rescale_rule_is_the_change_of_the_relu_over_that_of_its_input() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for rows in ROWS {
        tch::set_num_threads(1 + (rows / 2 % 2) as i32);
        let mut draw = Draw::of(rows);
        let shape = [rows, draw.among(1, 5) * block, draw.among(1, 17), draw.among(1, 17)];
        let fused = Normalise::new(None, Some(&Relu { functional: false }))?;
        let one_for_all = rows % 2 == 0;
        let mut of_reference = shape;
        of_reference[0] = if one_for_all { 1 } else { rows };
        // Waves that meet nowhere: where nothing changes there is no quotient.
        let (here, there) = (wave(&shape, 0.17)?, wave(&of_reference, 0.43)?.f_mul_scalar(0.7)?.f_add_scalar(0.013)?);
        let pass = |x: &Tensor| {
            let (x, how) = (enter(x)?, How { compare: true, keep: true, ..How::FORWARD });
            let (y, tensors) = fused.run(&[&x], how)?;
            Ok::<_, TchError>(kept(&[&x], &y, tensors))
        };
        let (first, second) = (pass(&here)?, pass(&there)?);
        let pair =
            Pair { here: &first, there: &second, captum: false, pool_is_plain: false, functional_is_plain: false };
        let gradient = wave(&shape, 0.51)?;
        let found = fused.multipliers(&pair, &enter(&gradient)?)?;
        let (here, there) = (double(&here)?, double(&there)?);
        let slope = here.f_relu()?.f_sub(&there.f_relu()?)?.f_div(&here.f_sub(&there)?)?;
        assert_near(&found[0], &double(&gradient)?.f_mul(&slope)?, &format!("{shape:?}, one for all: {one_for_all}"))?;
    }
    Ok(())
}

#[test]
fn poolings_and_sums_side_by_side_are_those_of_the_plain_operations() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for rows in ROWS {
        tch::set_num_threads(1 + (rows % 2) as i32);
        let mut draw = Draw::of(rows);
        let shape = [rows, draw.among(1, 5) * block, draw.among(3, 17), draw.among(3, 17)];
        let x = wave(&shape, 0.17)?;
        let (kernel, stride) = ([draw.among(1, 3), draw.among(1, 3)], [draw.among(1, 3), draw.among(1, 3)]);
        let padding = kernel.map(|side| draw.among(0, side / 2));
        let pool = MaxPool { kernel, stride, padding, dilation: [1; 2], ceil: false };
        let Some(blocked) = Pool::of(&pool) else { continue };
        let input = double(&x)?.f_set_requires_grad(true)?;
        let expected = input.f_max_pool2d(kernel, stride, padding, [1; 2], false)?;
        let how = How { keep: true, images: rows, ..How::FORWARD };
        let (y, tensors) = blocked.run(&[&enter(&x)?], how)?;
        assert_near(&y, &expected.f_detach()?, &format!("{shape:?} {pool:?}"))?;
        let gradient = wave(&expected.size(), 0.61)?;
        let by_autograd = Tensor::f_run_backward(
            &[expected.f_mul(&double(&gradient)?)?.f_sum(Kind::Double)?],
            &[&input],
            false,
            false,
        )?;
        let found = blocked.backward(&kept(&[&enter(&x)?], &y, tensors), &enter(&gradient)?, Rule::GRADIENT)?;
        assert_near(&found[0], &by_autograd[0], &format!("{shape:?} {pool:?}, gradient"))?;
        // Two values side by side, a batch norm and a ReLU.
        let other = wave(&[rows, block, shape[2], shape[3]], 0.83)?;
        let side_by_side = Tensor::f_cat(&[&x, &other], 1)?;
        let norm = norm(shape[1] + block)?;
        let fused = Normalise::new(Some(&norm), Some(&Relu { functional: true }))?;
        let inputs = [&enter(&x)?, &enter(&other)?];
        let (y, tensors) = fused.run(&inputs, how)?;
        assert_near(&y, &normalised(&norm, &side_by_side)?.f_relu()?, &format!("{shape:?}, side by side"))?;
        let gradient = wave(&side_by_side.size(), 0.71)?;
        let passed = double(&gradient)?.f_mul(&leave(&y)?.f_gt(0.0)?)?.f_mul(&norm.scale()?.f_view([1, -1, 1, 1])?)?;
        let found = fused.backward(&kept(&inputs, &y, tensors), &enter(&gradient)?, Rule::GRADIENT)?;
        assert_near(&found[0], &passed.f_narrow(1, 0, shape[1])?, &format!("{shape:?}, side by side, gradient"))?;
        assert_near(
            &found[1],
            &passed.f_narrow(1, shape[1], block)?,
            &format!("{shape:?}, side by side, the other's"),
        )?;
    }
    Ok(())
}

/// Otherwise a run for one width would test another one, or nothing.
#[test]
fn blocks_are_as_wide_as_the_environment_asks_for() {
    let asked = std::env::var(crate::settings::MAX_CPU_ISA).ok();
    let there = [Isa::Avx512, Isa::Avx2].map(|isa| (isa, kernels::fit(isa.channels())));
    let widest = asked.as_deref().and_then(Isa::named).unwrap_or(Isa::Avx512);
    let expected = there.into_iter().find(|(isa, fits)| *isa <= widest && *fits).map(|(isa, _)| isa.channels());
    if tch::utils::has_mkldnn() && std::env::var_os("ONEDNN_MAX_CPU_ISA").is_none_or(|said| said == "AVX2") {
        assert_eq!(block(), expected, "{asked:?}");
    }
}

#[test]
fn a_kernel_writes_every_value_that_it_is_given() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    let mut y = Tensor::f_full([7, 3, 5, 3, block], f64::NAN, (Kind::Float, Device::Cpu))?;
    let x = wave(&y.size(), 0.17)?;
    let (from, plane) = (values::<f32>(&x)?, 15 * block as usize);
    each_run(values_mut::<f32>(&mut y)?, plane, |index, out| {
        let gradient = &from[index * plane..][..plane];
        kernels::run(block as usize, kernels::Onto { gradient, gate: None, scale: None, sum: out, is_new: true });
    });
    assert!(y.equal(&x));
    Ok(())
}
