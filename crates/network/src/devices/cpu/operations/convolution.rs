//! A convolution with what follows it: batch norm, a sum with another value, a ReLU.

mod backward;
mod differences;

use std::cell::OnceCell;

use tch::{TchError, Tensor};

use self::differences::Differences;
use super::affine::Affine;
use super::ending::{End, LastRelu};
use crate::devices::cpu::convolutions::input_gradient::{InputGradient, Maps, packed};
use crate::devices::cpu::convolutions::small_maps::{self, Few};
use crate::devices::cpu::convolutions::winograd::Winograd;
use crate::devices::cpu::onednn::{block, convolve};
use crate::graph::{Compared, Gate, Gated, How, Kept, Local, Operation, Reach, Split, Stem};
use crate::operations::{BatchNorm, Convolution, Geometry, Relu};
use crate::tensors::device::single_on_cpu;
use crate::tensors::lazy::{Lazy, once};

/// Convolution, batch norm, sum and ReLU, of which only the first must be there.
#[derive(Debug)]
pub(crate) struct Block {
    packed: Tensor,
    /// Weights `[out, in, kh, kw]`, of which the weights of other passes are made at the first use.
    weight: Tensor,
    /// Convolution of changes of a few pixels.
    differences: Option<Differences>,
    bias: Option<Tensor>,
    geometry: Geometry,
    /// Number of channels of the output.
    channels: i64,
    kernel: [i64; 2],
    /// Gradients of the input, for each kind of [`Maps`].
    input_gradients: [Lazy<InputGradient>; Maps::KINDS],
    /// Whether [`Few`] was seen to give the bits of oneDNN.
    few_has_bits: OnceCell<bool>,
    norm: Option<Affine>,
    relu: Option<LastRelu>,
}

impl Block {
    /// A convolution, the batch norm behind the convolution and the ReLU behind both. A second input is added before the ReLU.
    pub(crate) fn new(
        convolution: &Convolution,
        norm: Option<&BatchNorm>,
        relu: Option<&Relu>,
    ) -> Result<Self, TchError> {
        let norm = norm.map(Affine::of).transpose()?;
        let size = convolution.weight.size();
        Ok(Self {
            packed: packed(&convolution.weight)?,
            weight: convolution.weight.shallow_clone(),
            differences: Differences::of(convolution),
            bias: convolution.bias.as_ref().map(Tensor::shallow_clone),
            geometry: convolution.geometry,
            channels: size[0],
            kernel: [size[2], size[3]],
            input_gradients: Default::default(),
            few_has_bits: OnceCell::new(),
            norm,
            relu: relu.map(LastRelu::of),
        })
    }

    /// Whether oneDNN takes and gives blocks for `convolution`: a dense convolution between whole blocks of channels, or from
    /// the few channels of an image.
    pub(crate) fn fits(convolution: &Convolution) -> bool {
        let Some(block) = block() else { return false };
        let [out, channels, ..] = convolution.weight.size()[..] else { return false };
        let taken = channels % block == 0 || channels <= 4;
        let single = single_on_cpu(&convolution.weight).unwrap_or(false);
        single && taken && out % block == 0 && convolution.geometry.groups == 1
    }

    fn sums(&self, input: &Tensor, padding: [i64; 2]) -> Result<Tensor, TchError> {
        let geometry = Geometry { padding, ..self.geometry };
        let plain = || convolve(input, &self.packed, self.bias.as_ref(), geometry, None, block());
        // For less there are too few images side by side.
        let enough = self.bias.is_none() && input.size().first() >= Some(&(small_maps::REST as i64));
        let Some(few) = enough.then(|| Few::of(input, &self.packed, geometry)).flatten() else { return plain() };
        let few = || few.apply(input, &self.packed);
        let has_bits = *once(&self.few_has_bits, || Ok::<_, TchError>(few()?.equal(&plain()?)))?;
        if has_bits { few() } else { plain() }
    }

    fn convolved(&self, inputs: &[&Tensor], padding: [i64; 2], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        self.ended(self.sums(inputs[0], padding)?, &inputs[1..], how)
    }

    /// The operations behind the convolution.
    fn ended(&self, y: Tensor, others: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (norm, relu) = (self.norm.as_ref(), self.relu.as_ref());
        match others.first() {
            // One of both is broadcast: a pass of its own.
            Some(other) if other.size() != y.size() => {
                let (y, _) = End { norm, residual: None, relu: None }.of(y, How::FORWARD)?;
                End { norm: None, residual: None, relu }.of(y.f_add(other)?, how)
            }
            other => End { norm, residual: other.copied(), relu }.of(y, how),
        }
    }
}

impl Operation for Block {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        self.convolved(inputs, self.geometry.padding, how)
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.given_on(kept, &self.before_linear(Gate::PLAIN, kept, gradient)?)
    }

    fn forget(&self) -> bool {
        let differences = self.differences.as_ref().is_some_and(Differences::forget);
        self.input_gradients.iter().fold(differences, |any, made| made.forget() || any)
    }

    fn gated(&self) -> Option<&dyn Gated> {
        self.relu.as_ref().map(|_| self as &dyn Gated)
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }

    fn stem(&self) -> Option<&dyn Stem> {
        Some(self)
    }
}

impl Local for Block {
    fn reach(&self, input: usize) -> Reach {
        if input > 0 {
            return Reach::Pixel;
        }
        let Geometry { stride, padding, dilation, .. } = self.geometry;
        Reach::Window { kernel: self.kernel, stride, padding, dilation }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.convolved(inputs, [0, 0], How::FORWARD)?.0)
    }

    fn split(&self) -> Option<&dyn Split> {
        self.differences.is_some().then_some(self)
    }
}

impl Split for Block {
    fn linear(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.sums(input, self.geometry.padding)
    }

    fn finish(&self, linear: Tensor, others: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.ended(linear, others, How::FORWARD)?.0)
    }

    fn finish_changed(
        &self,
        difference: &Tensor,
        add: &(dyn Fn(usize, &mut [f32]) + Sync),
        others: &[&Tensor],
    ) -> Result<Tensor, TchError> {
        let sums = if let Some(Differences::Winograd(made)) = &self.differences {
            made.get(|| Winograd::of(&self.weight, differences::TILE))?.apply(difference, [0, 0])?
        } else {
            // The bias is in what is added.
            let geometry = Geometry { padding: [0, 0], ..self.geometry };
            convolve(difference, &self.packed, None, geometry, None, block())?
        };
        let end = End { norm: self.norm.as_ref(), residual: others.first().copied(), relu: self.relu.as_ref() };
        Ok(end.filled(sums, add, How::FORWARD)?.0)
    }

    fn tile(&self) -> i64 {
        self.differences.as_ref().map_or(1, Differences::tile)
    }
}
