//! The fully connected layer, whose results depend on the image alone where an image is one row.
//!
//! On the CPU libtorch multiplies matrices of 1, 2, 3 or 16 rows with other kernels, whose sums differ in
//! their last bits. A loss of a logit is a small difference of two logits, and a ReLU behind such a sum
//! may flip. So rows are taken in blocks of one size: the same bits for any batch, and, for the last
//! layers of residual and dense networks, those of torchvision with 3 to 14 images.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};
use crate::tensors::device::single_on_cpu;
use crate::tensors::settings;

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "linear",
    summary: "x W^T + b over the last dimension",
    deep_lift: "linear",
    aten: &["aten.linear"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let (weight, bias) = (call.constant("weight")?, call.optional_constant("bias")?);
    call.apply(Linear { weight, bias }, &[input])
}

/// Rows of a block.
const BLOCK: i64 = 8;

/// The product by `multiply` of `rows` `[n, in]`, block by block; the last block is filled up with its own rows.
fn in_blocks(rows: &Tensor, multiply: impl Fn(&Tensor) -> Result<Tensor, TchError>) -> Result<Tensor, TchError> {
    // A CPU that plays a GPU asks for what a GPU is asked for.
    if rows.dim() != 2 || !single_on_cpu(rows)? || settings::emulates_gpu() {
        return multiply(rows);
    }
    let count = rows.size()[0];
    let indices: Vec<i64> = (0..(count + BLOCK - 1) / BLOCK * BLOCK).map(|row| row.min(count - 1)).collect();
    let filled = if count % BLOCK == 0 {
        rows.shallow_clone()
    } else {
        rows.f_index_select(0, &Tensor::f_from_slice(&indices)?)?
    };
    let blocks = filled.f_split(BLOCK, 0)?;
    let products = blocks.iter().map(multiply).collect::<Result<Vec<_>, _>>()?;
    Tensor::f_cat(&products, 0)?.f_narrow(0, 0, count)?.f_contiguous()
}

/// Linear layer `x W^T + b`, `[.., in]` to `[.., out]`.
#[derive(Debug)]
pub(crate) struct Linear {
    /// Weights `[out, in]`.
    pub(crate) weight: Tensor,
    /// Bias `[out]`.
    pub(crate) bias: Option<Tensor>,
}

impl Operation for Linear {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((in_blocks(inputs[0], |rows| rows.f_linear(&self.weight, self.bias.as_ref()))?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![in_blocks(gradient, |rows| rows.f_matmul(&self.weight))?])
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::OfChannels
    }
}
