//! Kernels for GPUs on the processor: against slow references, in whole graphs, and compiled for GPUs that are not here.

mod broken;
mod compile;
mod counts;
mod crop;
mod edited;
mod graphs;
mod kernels;
mod pool;
mod rounding;
mod windows;

use tch::{Device, Kind, Tensor};

/// A wave: spares libtorch's global generator.
fn wave(size: &[i64], pace: f64) -> Tensor {
    let count = Tensor::arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu));
    (count * pace).square().sin().view(size).to_kind(Kind::Float)
}

/// The same values with channels last.
fn last(values: &Tensor) -> Tensor {
    values.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// Largest difference, of the largest value of `b`.
fn worst(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}
