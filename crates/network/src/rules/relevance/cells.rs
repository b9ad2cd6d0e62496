//! What relevance does at operations that are no linear layers and whose gradient is not what carries it.

use tch::{Kind, TchError, Tensor};

use super::linear_map::divided;
use crate::graph::{Operation, Place, Step, Sum};
use crate::operations::{
    Arithmetic, Attention, BatchNorm, Einsum, Function, Matmul, Norm, Relu, Softmax, WithConstant, reduced,
};

/// Share of relevance that goes to the weights of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attentions {
    /// No relevance: the weights are constants, and all of the relevance goes to the values. Ali et al. 2022 (CP-LRP).
    Constant,
    /// Half of the relevance: products share equally, and the softmax keeps its gradient. Achtibat et al. 2024 (`AttnLRP`).
    Shared,
}

/// Least size of a batch norm's output without its shift.
const LEAST: f64 = 1e-6;

/// Whether a cell reads the values at `place`.
pub(super) fn reads(place: Place<'_>, with_bias: bool) -> bool {
    let operation = place.operation();
    let norm = operation.as_a::<BatchNorm>().is_some() && !with_bias;
    norm || operation.as_a::<Function>().is_some_and(|function| function.passes_zero())
}

/// Adds the multiplier of each input of `step` from the multiplier `m` of its output, if there is a cell for the operation.
pub(super) fn take(
    step: &Step<'_>,
    m: &Tensor,
    (with_bias, attentions): (bool, Attentions),
    sums: &mut [Sum],
) -> Result<bool, TchError> {
    let operation = step.place.operation();
    if let Some(function) = operation.as_a::<Function>()
        && function.passes_zero()
    {
        return activation(step, m, sums);
    }
    if let Some(norm) = operation.as_a::<Norm>() {
        sums[0].add(norm.with_constant_deviation(step.kept, m)?)?;
        return Ok(true);
    }
    if let Some(norm) = operation.as_a::<BatchNorm>().filter(|_| !with_bias) {
        return shifted(norm, step, m, sums);
    }
    match attentions {
        Attentions::Constant if operation.as_a::<Softmax>().is_some() && !step.place.is_last() => Ok(true),
        Attentions::Shared if operation.as_a::<Matmul>().is_some() || operation.as_a::<Einsum>().is_some() => {
            step.plain(&m.f_mul_scalar(0.5)?, sums)?;
            Ok(true)
        }
        _ if operation.as_a::<Attention>().is_some() => attention(step, m, attentions, sums),
        _ => match operation.as_a::<Arithmetic>() {
            Some(Arithmetic::Multiply) => product(step, m, sums),
            Some(Arithmetic::Divide) => {
                // What divides is a constant.
                let mut both = plain_of_each(step, m, sums.len())?;
                sums[0].join(both.swap_remove(0))?;
                Ok(true)
            }
            _ => Ok(false),
        },
    }
}

/// Passes relevance between the images and the first layers: an operation on each value by itself passes relevance as it is,
/// and an operation that arranges values gives each value its own relevance.
pub(super) fn pass_relevance(step: &Step<'_>, relevance: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
    let operation = step.place.operation();
    let each = [
        operation.as_a::<WithConstant>().is_some(),
        operation.as_a::<Arithmetic>().is_some(),
        operation.as_a::<Function>().is_some(),
        operation.as_a::<BatchNorm>().is_some(),
        operation.as_a::<Relu>().is_some(),
    ];
    if !each.contains(&true) || step.kept.shape(0)? != step.kept.output_shape {
        return Ok(false);
    }
    let of_images = (0..sums.len()).find(|&at| !step.place.input_is_constant(at)).unwrap_or(0);
    sums[of_images].add(relevance.shallow_clone())?;
    Ok(true)
}

/// A function that keeps zero, such as GELU: relevance passes it, so that a multiplier is multiplied by y / x.
fn activation(step: &Step<'_>, m: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
    let (x, y) = (step.kept.input(0)?, step.kept.output()?);
    let mut plain = plain_of_each(step, m, 1)?;
    let plain = plain.swap_remove(0).take().map_or_else(|| m.f_zeros_like(), Ok)?;
    let slope = m.f_mul(y)?.f_div(x)?;
    sums[0].add(plain.f_where_self(&x.f_abs()?.f_le(1e-10)?, &slope)?)?;
    Ok(true)
}

/// A batch norm that is not folded into a layer, and whose shift has no share: R = y m goes on as it is.
fn shifted(norm: &BatchNorm, step: &Step<'_>, m: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
    let y = step.kept.output()?;
    let mut shape = vec![1_i64; y.dim()];
    shape[1] = -1;
    let scale = norm.scale()?;
    let shift = norm.bias.f_to_kind(Kind::Double)?.f_sub(&norm.mean.f_to_kind(Kind::Double)?.f_mul(&scale)?)?;
    let shift = shift.f_to_kind(y.f_kind()?)?.f_view(shape.as_slice())?;
    let shares = divided(&y.f_mul(m)?, &y.f_sub(&shift)?, LEAST)?;
    step.plain(&shares, sums)?;
    Ok(true)
}

/// Attention: values get all of it or half; queries and keys nothing, or a quarter each, as they are two more factors.
fn attention(step: &Step<'_>, m: &Tensor, attentions: Attentions, sums: &mut [Sum]) -> Result<bool, TchError> {
    let mut given = plain_of_each(step, m, sums.len())?;
    let shares = match attentions {
        Attentions::Constant => [0.0, 0.0, 1.0],
        Attentions::Shared => [0.25, 0.25, 0.5],
    };
    for ((sum, given), share) in sums.iter_mut().zip(&mut given).zip(shares) {
        if let Some(given) = given.take().filter(|_| share > 0.0) {
            sum.add(given.f_mul_scalar(share)?)?;
        }
    }
    Ok(true)
}

/// A product of two values: a gate is a constant; of two equals each gets half.
fn product(step: &Step<'_>, m: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
    let mut given = plain_of_each(step, m, sums.len())?;
    let numel = |at: usize| step.kept.shape(at).map(|shape| shape.iter().product::<i64>());
    let opens = |at: usize| step.place.input_operation(at).is_some_and(is_gate);
    let gate = match numel(0)?.cmp(&numel(1)?) {
        std::cmp::Ordering::Less => Some(0),
        std::cmp::Ordering::Greater => Some(1),
        std::cmp::Ordering::Equal => (0..2).find(|&at| opens(at)),
    };
    for (at, (sum, given)) in sums.iter_mut().zip(&mut given).enumerate() {
        if let Some(given) = given.take().filter(|_| gate != Some(at)) {
            let share = if gate.is_some() { 1.0 } else { 0.5 };
            sum.add(reduced(&given.f_mul_scalar(share)?, step.kept.shape(at)?)?)?;
        }
    }
    Ok(true)
}

/// Whether values of `operation` are from 0 to 1 and open or close others.
fn is_gate(operation: &dyn Operation) -> bool {
    let function = operation.as_a::<Function>();
    function.is_some_and(|function| matches!(function, Function::Sigmoid | Function::Hardsigmoid))
        || operation.as_a::<Softmax>().is_some()
}

fn plain_of_each(step: &Step<'_>, m: &Tensor, inputs: usize) -> Result<Vec<Sum>, TchError> {
    let mut sums: Vec<Sum> = (0..inputs).map(|_| Sum::default()).collect();
    step.plain(m, &mut sums)?;
    Ok(sums)
}
