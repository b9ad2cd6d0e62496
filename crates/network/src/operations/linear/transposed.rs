//! Transposed convolutions: the transpose of a convolution forward, and that convolution backward.

use tch::{TchError, Tensor};

use super::convolution::{Convolution, Geometry};
use crate::graph::{How, Kept, Operation, Size, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "transposed_convolution",
    summary: "2-d transposed convolution, with groups and dilation",
    deep_lift: "linear",
    aten: &["aten.conv_transpose2d"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let (weight, bias) = (call.constant("weight")?, call.optional_constant("bias")?);
    let (stride, dilation) = (call.get("stride", [1; 2])?, call.get("dilation", [1; 2])?);
    let (padding, groups) = (call.get("padding", [0; 2])?, call.get("groups", 1)?);
    let beyond: [i64; 2] = call.get("output_padding", [0; 2])?;
    let shape = call.shape("input")?;
    if weight.dim() != 4 || shape.len() != 4 || groups < 1 {
        return Err(call.fault("weight", "expected a transposed convolution of [n, c, h, w]"));
    }
    if (0..2).any(|axis| !(0..stride[axis]).contains(&beyond[axis])) {
        return Err(call.fault("output_padding", "expected less than the stride"));
    }
    let adjoint = Convolution::new(weight, None, Geometry { stride, padding, dilation, groups })?;
    let transposed = TransposedConvolution { adjoint, bias, beyond };
    if let [_, _, Some(Size::Fixed(height)), Some(Size::Fixed(width))] = shape[..] {
        let size = transposed.size([height, width]).ok_or_else(|| call.fault("stride", "is too large"))?;
        call.room("input", &size)?;
    }
    call.apply(transposed, &[input])
}

/// A 2-d transposed convolution.
#[derive(Debug)]
struct TransposedConvolution {
    /// The convolution whose transpose it is, with weights `[in, out / groups, kh, kw]`.
    adjoint: Convolution,
    /// Bias `[out]`.
    bias: Option<Tensor>,
    /// Pixels that the output has more below and on the right.
    beyond: [i64; 2],
}

impl TransposedConvolution {
    /// Height and width of the output for an input of `size`.
    fn size(&self, size: [i64; 2]) -> Option<[i64; 2]> {
        let Geometry { stride, padding, .. } = self.adjoint.geometry;
        let along = |axis: usize| {
            let moved = (size[axis] - 1).checked_mul(stride[axis])?;
            let rest = self.adjoint.reach(axis).checked_add(1)?.checked_add(self.beyond[axis])?;
            moved.checked_add(rest)?.checked_sub(padding[axis].checked_mul(2)?)
        };
        Some([along(0)?, along(1)?])
    }
}

impl Operation for TransposedConvolution {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (_, _, height, width) = inputs[0].size4()?;
        let size = self.size([height, width]);
        let size = size.ok_or_else(|| TchError::Shape("a stride beyond all sizes".to_owned()))?;
        let output = self.adjoint.input_gradient(inputs[0], size)?;
        let output = match &self.bias {
            Some(bias) => output.f_add(&bias.f_view([-1, 1, 1])?)?,
            None => output,
        };
        Ok((output, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![self.adjoint.run(&[&gradient.f_contiguous()?], How::FORWARD)?.0])
    }

    fn forget(&self) -> bool {
        self.adjoint.forget()
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
