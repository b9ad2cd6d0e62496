//! Padding with a constant.

use tch::{TchError, Tensor};

use super::Entry;
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "pad",
    summary: "padding of the last dimensions with a constant",
    deep_lift: "linear",
    aten: &["aten.pad", "aten.constant_pad_nd"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if call.get("mode", "constant".to_owned())? != "constant" {
        return Err(call.fault("mode", "expected `constant`"));
    }
    call.apply(Pad { amounts: call.need("pad")?, value: call.get("value", 0.0)? }, &[input])
}

/// A border of one value.
#[derive(Clone, Debug)]
pub(crate) struct Pad {
    /// Before and behind the last dimension, then the last but one, and so on; negative ones crop.
    pub(crate) amounts: Vec<i64>,
    pub(crate) value: f64,
}

impl Operation for Pad {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_pad(&self.amounts, "constant", self.value)?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        let back: Vec<i64> = self.amounts.iter().map(|amount| -amount).collect();
        Ok(vec![gradient.f_pad(&back, "constant", 0.0)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
