//! Convolutions with what follows them: sums, normalisation, ReLUs.

use super::*;
use crate::devices::cpu::onednn::block;
use crate::devices::cpu::operations::convolution::Block;
use crate::devices::cpu::operations::layout::{enter, leave};
use crate::devices::cpu::operations::normalise::Normalise;
use crate::graph::{Compared, How, Local, Operation, Pair};
use crate::operations::{Convolution, Geometry, Relu};
use crate::tensors::simd::{self, Combine};
use crate::tensors::slices::values;
use tch::{TchError, Tensor};

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
        let gradients = fused.backward(&kept(&inputs, &y, tensors), &enter(&gradient)?)?;
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
            simd::run(block as usize, Combine { x: out, y, sign: 1.0 });
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
