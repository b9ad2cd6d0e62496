//! Normalisation by statistics of each image: what layer, group and root-mean-square normalisation have in common.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::operations::gradients::{plain_gradient, run_keeping};

/// Values that share their statistics.
#[derive(Clone, Debug)]
pub(crate) enum Over {
    /// The last dimensions, of these sizes: their mean and variance.
    Last(Vec<i64>),
    /// The last dimensions, of these sizes: the mean of their squares.
    LastWithoutMean(Vec<i64>),
    /// So many groups of channels: their mean and variance.
    Groups(i64),
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, or `x / sqrt(mean(x^2) + eps) * weight`.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) over: Over,
    /// Factors, of the normalised sizes, or `[c]` for groups; the bias has the same shape.
    pub(crate) weight: Option<Tensor>,
    pub(crate) bias: Option<Tensor>,
    /// [`Norm::EPS`] if none is given; of a mean of squares the smallest step of the type.
    pub(crate) eps: Option<f64>,
}

impl Norm {
    /// Added to the variance unless a model says otherwise.
    const EPS: f64 = 1e-5;

    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias, eps) = (self.weight.as_ref(), self.bias.as_ref(), self.eps.unwrap_or(Self::EPS));
        match &self.over {
            Over::Last(shape) => x.f_layer_norm(shape.as_slice(), weight, bias, eps, true),
            Over::LastWithoutMean(shape) => x.f_rms_norm(shape.as_slice(), weight, self.eps),
            Over::Groups(groups) => x.f_group_norm(*groups, weight, bias, eps, true),
        }
    }
}

impl Operation for Norm {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn spatial(&self) -> Spatial<'_> {
        match self.over {
            Over::Last(_) | Over::LastWithoutMean(_) => Spatial::OfChannels,
            Over::Groups(_) => Spatial::Kept,
        }
    }
}
