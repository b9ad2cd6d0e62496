//! Parts of a value.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "select",
    summary: "part of a value: one index, a slice, a chunk",
    deep_lift: "linear",
    aten: &[
        "aten.select",
        "aten.slice",
        "aten.narrow",
        "aten.chunk",
        "aten.split",
        "aten.split_with_sizes",
        "aten.unbind",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let dim = call.dim("dim", 0)?;
    let inputs = [input];
    match call.operator() {
        "select" => call.apply(Select { dim, index: call.need("index")? }, &inputs),
        "slice" => {
            let (start, end) = (call.get("start", 0)?, call.get("end", i64::MAX)?);
            call.apply(Slice { dim, start, end, step: call.get("step", 1)? }, &inputs)
        }
        "narrow" => {
            let start: i64 = call.need("start")?;
            let end = start.saturating_add(call.need("length")?);
            call.apply(Slice { dim, start, end, step: 1 }, &inputs)
        }
        "unbind" => {
            let parts = 0..call.output_shapes().len() as i64;
            parts.map(|index| call.apply(Select { dim, index }, &inputs)).collect::<Result<_, _>>().map(Value::List)
        }
        _ => parts(call, dim, &inputs),
    }
}

/// Parts of the sizes that the program says.
fn parts(call: &mut Call<'_>, dim: i64, inputs: &[Value]) -> Result<Value, ExportError> {
    let mut start = 0;
    let mut parts = Vec::new();
    for shape in call.output_shapes() {
        let Some(Some(Size::Fixed(length))) = shape.get(dim as usize) else {
            return Err(call.fault("dim", "parts of one size each are expected, whatever the images"));
        };
        let end = start + length;
        parts.push(call.apply(Slice { dim, start, end, step: 1 }, inputs)?);
        start = end;
    }
    Ok(Value::List(parts))
}

/// The values at one index of dimension `dim`; the dimension goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Select {
    pub(crate) dim: i64,
    pub(crate) index: i64,
}

/// A range of dimension `dim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) dim: i64,
    pub(crate) start: i64,
    /// Place beyond the last that is taken; an `end` larger than the dimension means the whole rest.
    pub(crate) end: i64,
    pub(crate) step: i64,
}

impl Operation for Select {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_select(self.dim, self.index)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![Tensor::f_select_backward(gradient, kept.shape(0)?, self.dim, self.index)?])
    }
}

impl Operation for Slice {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_slice(self.dim, self.start, self.end, self.step)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let Self { dim, start, end, step } = *self;
        Ok(vec![Tensor::f_slice_backward(gradient, kept.shape(0)?, dim, start, end, step)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
