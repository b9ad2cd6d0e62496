//! Operations that give the values another shape or order.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "reshape",
    summary: "the same values in another shape or order: view, flatten, squeeze, permute, transpose",
    deep_lift: "linear",
    aten: &[
        "aten.view",
        "aten.reshape",
        "aten.flatten",
        "aten.unflatten",
        "aten.squeeze",
        "aten.unsqueeze",
        "aten.view_as",
        "aten.reshape_as",
        "aten._unsafe_view",
        "aten.permute",
        "aten.transpose",
        "aten.swapaxes",
        "aten.t",
        "aten.numpy_T",
        "aten.mT",
        "aten.mH",
        "aten.adjoint",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let rank = call.shape("self")?.len() as i64;
    let mut order: Vec<i64> = (0..rank).collect();
    match call.operator() {
        "permute" => order = call.dims("self", &call.need::<Vec<i64>>("dims")?)?,
        "transpose" => order.swap(call.dim("dim0", 0)? as usize, call.dim("dim1", 1)? as usize),
        "swapaxes" => order.swap(call.dim("axis0", 0)? as usize, call.dim("axis1", 1)? as usize),
        "t" | "numpy_T" => order.reverse(),
        "mT" | "mH" | "adjoint" if rank >= 2 => order.swap(rank as usize - 2, rank as usize - 1),
        _ => return reshaped(call, &input),
    }
    call.keep_in_front(input.tensor().is_some() || order.first() == Some(&0))?;
    call.apply(Permute { order }, &[input])
}

/// Reshapes to the shape that the program says for the output.
fn reshaped(call: &mut Call<'_>, input: &Value) -> Result<Value, ExportError> {
    let shape = call.output_shape()?;
    if input.tensor().is_some() && shape.iter().any(|size| matches!(size, Size::Images(_))) {
        return Err(call.fault("size", "a constant cannot take the number of images as a size"));
    }
    call.apply(Reshape { shape }, std::slice::from_ref(input))
}

/// Another shape, in the same order.
#[derive(Clone, Debug)]
pub(crate) struct Reshape {
    pub(crate) shape: Vec<Size>,
}

/// Another order of dimensions.
#[derive(Clone, Debug)]
pub(crate) struct Permute {
    /// Dimension of the input that each dimension of the output comes from.
    pub(crate) order: Vec<i64>,
}

impl Reshape {
    /// Reshaping that puts all dimensions but that of the images into one dimension.
    pub(crate) fn flat() -> Self {
        Self { shape: vec![Size::Images(1), Size::Fixed(-1)] }
    }
}

impl Operation for Reshape {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let shape: Vec<i64> = self.shape.iter().map(|size| size.of(how.images)).collect();
        Ok((inputs[0].f_reshape(&shape)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![gradient.f_reshape(kept.shape(0)?)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Reshaped
    }
}

impl Operation for Permute {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_permute(self.order.as_slice())?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let mut back = vec![0; self.order.len()];
        for (to, from) in self.order.iter().enumerate() {
            back[*from as usize] = to as i64;
        }
        Ok(vec![gradient.f_permute(back.as_slice())?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Permuted(&self.order)
    }
}
