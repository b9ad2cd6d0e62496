//! A value repeated along dimensions of size 1, a constant for every image too.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size};
use crate::operations::gradients::reduced;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "expand",
    summary: "a value repeated along dimensions of size 1",
    deep_lift: "linear",
    aten: &["aten.expand", "aten.expand_as", "aten.broadcast_to"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let shape = call.output_shape()?;
    if shape.iter().any(|size| matches!(size, Size::Images(_))) {
        return call.push(Expand { shape }, &[input]);
    }
    call.apply(Expand { shape }, &[input])
}

/// Repetition to a shape.
#[derive(Clone, Debug)]
pub(crate) struct Expand {
    pub(crate) shape: Vec<Size>,
}

impl Operation for Expand {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let shape: Vec<i64> = self.shape.iter().map(|size| size.of(how.images)).collect();
        Ok((inputs[0].f_expand(&shape, false)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![reduced(gradient, kept.shape(0)?)?])
    }
}
