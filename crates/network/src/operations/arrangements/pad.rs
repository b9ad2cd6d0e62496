//! Padding with a constant, or with what is there.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::operations::gradients::plain_gradient;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "pad",
    summary: "padding of the last dimensions with a constant, or with what is there: reflected, repeated, in a circle",
    deep_lift: "linear",
    aten: &["aten.pad", "aten.constant_pad_nd"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let mode = call.get("mode", "constant".to_owned())?;
    let amounts: Vec<i64> = call.need("pad")?;
    let grown = grown(&call.shape("self")?, &amounts).ok_or_else(|| call.fault("pad", "is too large"))?;
    call.few(&grown)?;
    if let Some(mode) = MODES.iter().find(|known| **known == mode) {
        return call.apply(Border { amounts, mode }, &[input]);
    }
    if mode != "constant" {
        return Err(call.fault("mode", "expected `constant`, `reflect`, `replicate` or `circular`"));
    }
    call.apply(Pad { amounts, value: call.get("value", 0.0)? }, &[input])
}

/// Sizes of one image's part of a value of `shape`, as far as they are known, with `amounts` around it.
fn grown(shape: &[Option<Size>], amounts: &[i64]) -> Option<Vec<i64>> {
    let fixed = |size: &Option<Size>| match size {
        Some(Size::Fixed(size)) => *size,
        Some(Size::Images(_)) | None => 1,
    };
    let mut sizes: Vec<i64> = shape.iter().map(fixed).collect();
    for (size, sides) in sizes.iter_mut().rev().zip(amounts.chunks(2)) {
        *size = sides.iter().try_fold(*size, |size, side| size.checked_add(*side))?.max(0);
    }
    Some(sizes)
}

/// Borders that are made of the values themselves.
const MODES: &[&str] = &["reflect", "replicate", "circular"];

/// A border of the values themselves.
#[derive(Clone, Debug)]
struct Border {
    /// Amounts like those of [`Pad`].
    amounts: Vec<i64>,
    mode: &'static str,
}

impl Operation for Border {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_pad(&self.amounts, self.mode, None)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let like = Tensor::f_zeros(kept.shape(0)?, (gradient.f_kind()?, gradient.device()))?;
        plain_gradient(&[like], gradient, |inputs| inputs[0].f_pad(&self.amounts, self.mode, None))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

/// A border of one value.
#[derive(Clone, Debug)]
pub(crate) struct Pad {
    /// Amounts before and behind the last dimension, then the last but one, and so on; negative amounts crop.
    pub(crate) amounts: Vec<i64>,
    pub(crate) value: f64,
}

impl Operation for Pad {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_pad(&self.amounts, "constant", self.value)?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let back: Vec<i64> = self.amounts.iter().map(|amount| -amount).collect();
        Ok(vec![gradient.f_pad(&back, "constant", 0.0)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
