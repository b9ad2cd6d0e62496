//! Values side by side.

use tch::{TchError, Tensor};

use super::reshape::Reshape;
use crate::graph::{How, Kept, Local, Operation, Reach, Size, Spatial};
use crate::operations::gradients::reduced;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "concatenate",
    summary: "values side by side along a dimension, or along one of their own",
    deep_lift: "linear",
    aten: &["aten.cat", "aten.concat", "aten.concatenate", "aten.stack"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let mut values = call.values("tensors")?;
    let mut shape = call.output_shape()?;
    let rank = shape.len() as i64;
    let dim = call.get("dim", 0)?;
    let dim = if dim < 0 { dim + rank } else { dim };
    if !(0..rank).contains(&dim) {
        return Err(call.fault("dim", &format!("the values have {rank} dimensions")));
    }
    if call.operator() == "stack" {
        shape[dim as usize] = Size::Fixed(1);
        for value in &mut values {
            *value = match value.tensor() {
                Some(constant) => constant.f_unsqueeze(dim)?.into(),
                None => call.apply(Reshape { shape: shape.clone() }, std::slice::from_ref(value))?,
            };
        }
    }
    call.apply(Concatenate { dim }, &values)
}

/// Values along dimension `dim`. Where that is not the first, a constant of one row is repeated for every
/// image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concatenate {
    pub(crate) dim: i64,
}

impl Operation for Concatenate {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let rows = inputs.iter().filter_map(|input| input.size().first().copied()).max().unwrap_or(1);
        let expanded = inputs.iter().map(|input| {
            let mut shape = input.size();
            if self.dim != 0 {
                shape[0] = rows;
            }
            input.f_expand(&shape, false)
        });
        Ok((Tensor::f_cat(&expanded.collect::<Result<Vec<_>, _>>()?, self.dim)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let dim = if self.dim < 0 { self.dim + gradient.dim() as i64 } else { self.dim };
        let mut start = 0;
        let mut parts = Vec::with_capacity(kept.shapes.len());
        for shape in &kept.shapes {
            let length = shape[dim as usize];
            parts.push(reduced(&gradient.f_narrow(dim, start, length)?, shape)?);
            start += length;
        }
        Ok(parts)
    }

    fn any_layout(&self) -> bool {
        self.dim == 1
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        match self.dim {
            1 => Spatial::Kept,
            -1 | 3 => Spatial::OfChannels,
            _ => Spatial::Lost,
        }
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Concatenate {
    fn reach(&self, _: usize) -> Reach {
        if self.dim == 1 { Reach::Pixel } else { Reach::Everywhere }
    }
}
