//! Functions that act on every value by itself, with weights of the model.

use tch::{TchError, Tensor};

use crate::graph::{Compared, How, Kept, Local, Operation, Pair, Reach, Spatial};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "prelu",
    summary: "max(x, 0) + w min(x, 0) with learned slopes, one for all channels or one for each",
    deep_lift: "rescale (captum: plain gradient)",
    aten: &["aten.prelu"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let slopes = call.constant("weight")?;
    call.apply(Learned::Prelu(slopes), &[input])
}

/// A function of a value and a weight.
#[derive(Debug)]
pub(in crate::operations) enum Learned {
    /// Slopes below zero, one or `[c]`.
    Prelu(Tensor),
    /// Exponents, which are broadcast.
    Power(Tensor),
    /// Bases of powers whose exponents are the values; they are broadcast.
    Base(Tensor),
}

impl Learned {
    fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Prelu(slopes) => x.f_prelu(slopes),
            Self::Power(exponents) => x.f_pow(exponents),
            Self::Base(bases) => bases.f_pow(x),
        }
    }
}

impl Operation for Learned {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| self.of(inputs[0]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Local for Learned {
    fn reach(&self, _: usize) -> Reach {
        match self {
            Self::Prelu(_) => Reach::Pixel,
            Self::Base(base) if base.numel() == 1 => Reach::Pixel,
            // Exponents and bases may differ from pixel to pixel.
            Self::Power(_) | Self::Base(_) => Reach::Everywhere,
        }
    }
}

impl Compared for Learned {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let plain = self.backward(pair.here, gradient)?.remove(0);
        // Exponents of more values than the input has repeat it, and no change of it is that of one output.
        let repeats = pair.here.shape(0)? != pair.here.output_shape;
        pair.rescaled_unless(pair.captum || repeats, gradient, plain)
    }
}
