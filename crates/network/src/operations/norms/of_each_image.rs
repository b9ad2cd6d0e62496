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
    /// Groups of channels: the number of the groups, each of which has a mean and a variance.
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

impl Norm {
    /// The gradient of the input from `gradient` of the output, as if the deviation by which values are divided were a constant.
    pub(crate) fn with_constant_deviation(&self, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        let (x, eps) = (kept.tensor(0)?, self.eps.unwrap_or(Self::EPS));
        let size = x.size();
        // Statistics are over the last dimension of [.., values].
        let (rows, centred) = match &self.over {
            Over::Last(shape) => (grouped(&size, size.len() - shape.len()), true),
            Over::LastWithoutMean(shape) => (grouped(&size, size.len() - shape.len()), false),
            Over::Groups(groups) => (vec![size[0], *groups, -1], true),
        };
        let weighted = match (&self.weight, &self.over) {
            (Some(weight), Over::Groups(_)) => {
                let mut shape = vec![1; size.len()];
                shape[1] = -1;
                gradient.f_mul(&weight.f_view(shape.as_slice())?)?
            }
            (Some(weight), _) => gradient.f_mul(weight)?,
            (None, _) => gradient.shallow_clone(),
        };
        let (x, weighted) = (x.f_reshape(rows.as_slice())?, weighted.f_reshape(rows.as_slice())?);
        let mean = |values: &Tensor| values.f_mean_dim([-1_i64].as_slice(), true, values.f_kind()?);
        let (away, weighted) =
            if centred { (x.f_sub(&mean(&x)?)?, weighted.f_sub(&mean(&weighted)?)?) } else { (x, weighted) };
        let deviation = mean(&away.f_square()?)?.f_add_scalar(eps)?.f_sqrt()?;
        weighted.f_div(&deviation)?.f_reshape(size.as_slice())
    }
}

/// `size` with all dimensions from `first` on as one.
fn grouped(size: &[i64], first: usize) -> Vec<i64> {
    size[..first].iter().copied().chain([-1]).collect()
}

impl Operation for Norm {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn normalises_tokens(&self) -> bool {
        !matches!(self.over, Over::Groups(_))
    }

    fn spatial(&self) -> Spatial<'_> {
        match self.over {
            Over::Last(_) | Over::LastWithoutMean(_) => Spatial::OfChannels,
            Over::Groups(_) => Spatial::Kept,
        }
    }
}
