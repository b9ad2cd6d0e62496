//! Means over dimensions.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "mean",
    summary: "mean or sum over dimensions",
    deep_lift: "linear",
    aten: &["aten.mean", "aten.sum"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let given: Vec<i64> = call.get("dim", Vec::new())?;
    // No dimension given means all of them, the images' too.
    let dims = if given.is_empty() { (0..call.shape("self")?.len() as i64).collect() } else { given };
    let dims = call.dims("self", &dims)?;
    let (keep, sum) = (call.get("keepdim", false)?, call.operator() == "sum");
    call.apply(Mean { dims, keep, sum }, &[input])
}

/// Mean over `dims`, none of which is that of the images.
#[derive(Clone, Debug)]
pub(crate) struct Mean {
    /// Dimensions, counted from 0.
    pub(crate) dims: Vec<i64>,
    /// Whether they stay, with size 1.
    pub(crate) keep: bool,
    /// Whether sums are left undivided.
    pub(crate) sum: bool,
}

impl Operation for Mean {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (dims, kind) = (self.dims.as_slice(), inputs[0].f_kind()?);
        let reduced = if self.sum {
            inputs[0].f_sum_dim_intlist(dims, self.keep, kind)?
        } else {
            inputs[0].f_mean_dim(dims, self.keep, kind)?
        };
        Ok((reduced, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let shape = kept.shape(0)?;
        let mut ones = shape.to_vec();
        self.dims.iter().for_each(|dim| ones[*dim as usize] = 1);
        let count: i64 = self.dims.iter().map(|dim| shape[*dim as usize]).product();
        let each = if self.sum { gradient.shallow_clone() } else { gradient.f_div_scalar(count)? };
        Ok(vec![each.f_reshape(&ones)?.f_expand(shape, false)?])
    }
}
