//! The largest values of a row and their places, and values at places: gates that choose among experts or tokens.
//!
//! Places are whole numbers that are constants of an image: no gradient passes them, and the values at them have theirs.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "top",
    summary: "the largest or smallest values of a row, and their places",
    deep_lift: "plain gradient of the values, as the places of the image have it: not complete",
    aten: &["aten.topk"],
    import,
};

pub(in crate::operations) const GATHER: Entry = Entry {
    name: "gather",
    summary: "values at places of the image or of the model, and values put there",
    deep_lift: "linear where the places are constants; else plain gradient: not complete",
    aten: &["aten.gather", "aten.scatter", "aten.scatter_add"],
    import: gathered,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let top = Top {
        count: call.need("k")?,
        dim: call.dim("dim", -1)?,
        largest: call.get("largest", true)?,
        sorted: call.get("sorted", true)?,
    };
    let inputs = [input];
    let places = call.apply(Places(top), &inputs)?;
    let [input] = inputs;
    let values = call.apply(Gather { dim: top.dim }, &[input, places.clone()])?;
    Ok(Value::List(vec![values, places]))
}

fn gathered(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let (input, dim, index) = (call.value("self")?, call.dim("dim", 0)?, call.value("index")?);
    if call.operator() == "gather" {
        return call.apply(Gather { dim }, &[input, index]);
    }
    if call.optional::<String>("reduce")?.is_some() {
        return Err(call.unsupported());
    }
    let add = call.operator() == "scatter_add";
    match call.optional_value("src")? {
        Some(source) => call.apply(Scatter { dim, add, value: 0.0 }, &[input, source, index]),
        None => call.apply(Scatter { dim, add, value: call.need("value")? }, &[input, index]),
    }
}

/// A choice of values of each row.
#[derive(Clone, Copy, Debug)]
struct Top {
    count: i64,
    /// Dimension, counted from 0.
    dim: i64,
    largest: bool,
    sorted: bool,
}

/// Places of the chosen values, whole numbers.
#[derive(Clone, Copy, Debug)]
struct Places(Top);

impl Operation for Places {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let Top { count, dim, largest, sorted } = self.0;
        Ok((inputs[0].f_topk(count, dim, largest, sorted)?.1, Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }

    fn is_detached(&self) -> bool {
        true
    }
}

/// The values of the first input at the places of the second, along `dim`.
#[derive(Clone, Copy, Debug)]
struct Gather {
    dim: i64,
}

impl Operation for Gather {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[1].shallow_clone()] } else { Vec::new() };
        Ok((inputs[0].f_gather(self.dim, inputs[1], false)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let nothing = Tensor::f_zeros(kept.shape(0)?, (gradient.f_kind()?, gradient.device()))?;
        Ok(vec![nothing.f_scatter_add(self.dim, kept.tensor(0)?, &gradient.f_contiguous()?)?])
    }

    fn hides_changes(&self) -> bool {
        true
    }
}

/// The first input with other values at the places of the last, along `dim`: those of the second of three, or `value`.
#[derive(Clone, Copy, Debug)]
struct Scatter {
    dim: i64,
    /// Whether they are added to those that were there.
    add: bool,
    value: f64,
}

impl Operation for Scatter {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (output, places) = match inputs {
            [x, source, places] if self.add => (x.f_scatter_add(self.dim, places, source)?, places),
            [x, source, places] => (x.f_scatter(self.dim, places, source)?, places),
            [x, places] => (x.f_scatter_value(self.dim, places, self.value)?, places),
            _ => return Err(TchError::Shape("values are put at places of one other value".into())),
        };
        Ok((output, if how.keep { vec![places.shallow_clone()] } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let places = kept.tensor(0)?;
        let left = if self.add { gradient.shallow_clone() } else { gradient.f_scatter_value(self.dim, places, 0.0)? };
        let mut gradients = vec![left];
        if let [_, shape, _] = &kept.shapes[..] {
            // A source may be larger than the part of it that is put somewhere.
            let given = gradient.f_gather(self.dim, places, false)?;
            let source = Tensor::f_zeros(shape, (gradient.f_kind()?, gradient.device()))?;
            let mut part = source.shallow_clone();
            for (dim, size) in (0..).zip(given.size()) {
                part = part.f_narrow(dim, 0, size)?;
            }
            part.f_copy_(&given)?;
            gradients.push(source);
        }
        Ok(gradients)
    }

    fn hides_changes(&self) -> bool {
        true
    }
}
