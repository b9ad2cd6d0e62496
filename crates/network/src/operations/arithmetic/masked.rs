//! Values replaced where a mask of the model says so.

use tch::{TchError, Tensor};

use super::compare::Where;
use crate::graph::{How, Kept, Operation};
use crate::operations::gradients::reduced;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "masked",
    summary: "values replaced by a number where a mask is true",
    deep_lift: "linear where the mask is a constant; else plain gradient: not complete",
    aten: &["aten.masked_fill"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let (mask, value) = (call.value("mask")?, call.operand("value")?);
    let Some(mask) = mask.tensor() else { return call.push(Where, &[value, input, mask]) };
    let value = value.tensor().map(|value| value.f_double_value(&[])).transpose()?;
    let value = value.ok_or_else(|| call.fault("value", "depends on the images; expected a number"))?;
    call.apply(Masked { mask: mask.shallow_clone(), value }, &[input])
}

/// `value` where `mask` is true.
#[derive(Debug)]
pub(crate) struct Masked {
    pub(crate) mask: Tensor,
    pub(crate) value: f64,
}

impl Operation for Masked {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_masked_fill(&self.mask, self.value)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![reduced(&gradient.f_masked_fill(&self.mask, 0.0)?, kept.shape(0)?)?])
    }
}
