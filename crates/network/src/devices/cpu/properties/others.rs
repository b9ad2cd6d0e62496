//! Poolings and sums, and what holds of all kernels.

use super::*;
use crate::devices::cpu::kernels;
use crate::devices::cpu::onednn::block;
use crate::devices::cpu::operations::layout::{enter, leave};
use crate::devices::cpu::operations::max_pool::Pool;
use crate::devices::cpu::operations::normalise::Normalise;
use crate::graph::{How, Operation};
use crate::operations::{MaxPool, Relu};
use crate::tensors::simd;
use crate::tensors::slices::{each_run, values, values_mut};
use sweep::computed_by::Isa;
use tch::{TchError, Tensor};

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
        let found = blocked.backward(&kept(&[&enter(&x)?], &y, tensors), &enter(&gradient)?)?;
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
        let found = fused.backward(&kept(&inputs, &y, tensors), &enter(&gradient)?)?;
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
    let there = [Isa::Avx512, Isa::Avx2].map(|isa| (isa, simd::fit(isa.channels())));
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
        simd::run(block as usize, kernels::Onto { gradient, gate: None, scale: None, sum: out, is_new: true });
    });
    assert!(y.equal(&x));
    Ok(())
}
