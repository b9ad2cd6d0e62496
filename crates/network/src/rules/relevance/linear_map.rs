//! A linear layer as the rules of relevance see it: its input, its output, and maps of the same shape with other weights.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Place, Step};
use crate::operations::{Convolution, Linear};

/// A convolution or a fully connected layer in a backward pass, with the values of the forward pass.
pub struct LinearMap<'a> {
    layer: Layer<'a>,
    kept: &'a Kept,
    with_bias: bool,
}

#[derive(Clone, Copy)]
enum Layer<'a> {
    Convolution(&'a Convolution),
    Linear(&'a Linear),
}

impl<'a> Layer<'a> {
    fn of(place: Place<'a>) -> Option<Self> {
        let operation = place.operation();
        let linear = operation.as_a::<Linear>().map(Layer::Linear);
        operation.as_a::<Convolution>().map(Layer::Convolution).or(linear)
    }
}

/// Whether the operation at `place` is one at which the rules hold.
pub(super) fn is_linear_map(place: Place<'_>) -> bool {
    Layer::of(place).is_some()
}

/// Whether the operation at `place` is a convolution.
pub(super) fn is_convolution(place: Place<'_>) -> bool {
    matches!(Layer::of(place), Some(Layer::Convolution(_)))
}

impl<'a> LinearMap<'a> {
    /// The linear layer or convolution of `step`; `None` if `step` is another operation. The bias is left out unless
    /// `with_bias`.
    pub(super) fn of(step: &Step<'a>, with_bias: bool) -> Option<Self> {
        Layer::of(step.place).map(|layer| Self { layer, kept: step.kept, with_bias })
    }

    /// Input x.
    pub(super) fn input(&self) -> Result<&'a Tensor, TchError> {
        self.kept.input(0)
    }

    /// Output y, with the bias: what the next operation reads.
    pub(super) fn output(&self) -> Result<&'a Tensor, TchError> {
        self.kept.output()
    }

    /// Weights W.
    pub(super) fn weight(&self) -> &'a Tensor {
        match self.layer {
            Layer::Convolution(convolution) => &convolution.weight,
            Layer::Linear(linear) => &linear.weight,
        }
    }

    fn own_bias(&self) -> Option<&'a Tensor> {
        match self.layer {
            Layer::Convolution(convolution) => convolution.bias.as_ref(),
            Layer::Linear(linear) => linear.bias.as_ref(),
        }
    }

    /// `values` of the output's shape plus `of` the bias, if there is a bias and the bias counts.
    pub(super) fn plus_bias(
        &self,
        values: Tensor,
        of: impl Fn(&Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        let Some(bias) = self.own_bias().filter(|_| self.with_bias) else { return Ok(values) };
        values.f_add(&self.shaped(&of(bias)?)?)
    }

    /// The output without what does not count: z = W x, plus the bias where that counts.
    pub(super) fn counted(&self) -> Result<Tensor, TchError> {
        match self.own_bias().filter(|_| !self.with_bias) {
            Some(bias) => self.output()?.f_sub(&self.shaped(bias)?),
            None => Ok(self.output()?.shallow_clone()),
        }
    }

    fn shaped(&self, bias: &Tensor) -> Result<Tensor, TchError> {
        match self.layer {
            Layer::Convolution(_) => bias.f_view([1, -1, 1, 1]),
            Layer::Linear(_) => Ok(bias.shallow_clone()),
        }
    }

    /// The layer with `weight` instead of its own, and no bias.
    pub(super) fn with(&self, weight: Tensor) -> Result<Companion<'a>, TchError> {
        let operation: Box<dyn Operation> = match self.layer {
            Layer::Convolution(convolution) => Box::new(Convolution::new(weight, None, convolution.geometry)?),
            Layer::Linear(_) => Box::new(Linear { weight, bias: None }),
        };
        Ok(Companion { operation, kept: self.kept })
    }
}

/// A layer of the shape of another layer, with weights of its own.
pub(super) struct Companion<'a> {
    operation: Box<dyn Operation>,
    kept: &'a Kept,
}

impl Companion<'_> {
    /// W x.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        Ok(self.operation.run(&[x], How::FORWARD)?.0)
    }

    /// The transpose of W, times `values` of the output's shape.
    pub(super) fn transposed(&self, values: &Tensor) -> Result<Tensor, TchError> {
        let mut given = self.operation.backward(self.kept, values)?;
        given.pop().ok_or_else(|| TchError::Shape("a linear layer gave nothing back".to_owned()))
    }
}

/// Quotients `values / denominators`, whose denominators are moved away from zero by `least`, each in the direction of its
/// sign; zero counts as positive.
pub(super) fn divided(values: &Tensor, denominators: &Tensor, least: f64) -> Result<Tensor, TchError> {
    let sign = denominators.f_ge(0.0)?.f_to_kind(denominators.f_kind()?)?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    values.f_div(&denominators.f_add(&sign.f_mul_scalar(least)?)?)
}

/// `above` where x is 0 or more, `below` elsewhere.
pub(super) fn by_sign(x: &Tensor, above: &Tensor, below: &Tensor) -> Result<Tensor, TchError> {
    above.f_where_self(&x.f_ge(0.0)?, below)
}

/// Whether no value of x is below zero: behind a ReLU half of a rule is nothing.
pub(super) fn is_nonnegative(x: &Tensor) -> Result<bool, TchError> {
    Ok(x.f_min()?.f_double_value(&[])? >= 0.0)
}
