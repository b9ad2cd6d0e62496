//! The operations: each a file with its forward and its backward step, in the folder of its kind, and one line in the list.

mod activations;
mod arithmetic;
mod arrangements;
mod constants;
mod gradients;
mod linear;
mod norms;
mod products;
mod reductions;

use activations::{elementwise, glu, prelu, relu, softmax};
use arithmetic::{compare, masked, rounded, two_values};
use arrangements::{assign, concatenate, expand, pad, rearrange, reshape, roll, select, upsample};
use constants::{constant, detach, folded, identity};
use linear::{convolution, fully_connected, one_dimension, transposed};
use norms::{batch_norm, group_norm, layer_norm, rms_norm};
use products::{attention, einsum, matmul, recurrent};
use reductions::{average_pool, extreme, max_pool, mean, top, variance, vector_norm};

pub(crate) use activations::function::Function;
pub(crate) use activations::relu::Relu;
pub(crate) use activations::softmax::Softmax;
pub(crate) use arithmetic::two_values::Add;
pub(crate) use arithmetic::two_values::Arithmetic;
pub(crate) use arithmetic::with_constant::WithConstant;
pub(crate) use arrangements::concatenate::Concatenate;
pub(crate) use arrangements::reshape::{Permute, Reshape};
pub(crate) use arrangements::select::{Select, Slice};
pub(crate) use gradients::reduced;
pub(crate) use linear::convolution::{Convolution, Geometry};
pub(crate) use linear::fully_connected::Linear;
pub(crate) use norms::batch_norm::BatchNorm;
pub(crate) use norms::of_each_image::{Norm, Over};
pub(crate) use products::attention::Attention;
pub(crate) use products::einsum::Einsum;
pub(crate) use products::matmul::Matmul;
pub(crate) use reductions::average_pool::AveragePool;
pub(crate) use reductions::max_pool::MaxPool;

pub use crate::programs::Entry;

/// Every operation that a graph is made of.
pub const OPERATIONS: &[&Entry] = &[
    &convolution::ENTRY,
    &transposed::ENTRY,
    &one_dimension::ENTRY,
    &batch_norm::ENTRY,
    &relu::ENTRY,
    &elementwise::ENTRY,
    &prelu::ENTRY,
    &glu::ENTRY,
    &extreme::ENTRY,
    &rounded::ENTRY,
    &compare::ENTRY,
    &compare::CHOICE,
    &max_pool::ENTRY,
    &average_pool::ENTRY,
    &fully_connected::ENTRY,
    &two_values::ENTRY,
    &concatenate::ENTRY,
    &layer_norm::ENTRY,
    &group_norm::ENTRY,
    &rms_norm::ENTRY,
    &attention::ENTRY,
    &softmax::ENTRY,
    &matmul::ENTRY,
    &einsum::ENTRY,
    &recurrent::ENTRY,
    &mean::ENTRY,
    &vector_norm::ENTRY,
    &variance::ENTRY,
    &top::ENTRY,
    &top::GATHER,
    &reshape::ENTRY,
    &select::ENTRY,
    &assign::ENTRY,
    &expand::ENTRY,
    &rearrange::ENTRY,
    &pad::ENTRY,
    &roll::ENTRY,
    &upsample::ENTRY,
    &masked::ENTRY,
    &constant::ENTRY,
    &folded::ENTRY,
    &identity::ENTRY,
    &detach::ENTRY,
];

#[cfg(test)]
pub(crate) mod tests;
