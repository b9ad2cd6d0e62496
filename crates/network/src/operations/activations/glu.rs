//! Gated linear units: one half of the channels times the sigmoid of the other.

use tch::{TchError, Tensor};

use crate::graph::{Compared, How, Kept, NO_CHANGE, Operation, Pair, Spatial};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "glu",
    summary: "one half of a value times the sigmoid of the other half",
    deep_lift: "shares its change equally between both halves, the sigmoid by rescale (captum: plain gradient)",
    aten: &["aten.glu"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let dim = call.dim("dim", -1)?;
    call.apply(Glu { dim }, &[input])
}

/// `a sigmoid(b)` of the halves `a` and `b` along dimension `dim`.
#[derive(Clone, Copy, Debug)]
struct Glu {
    dim: i64,
}

impl Glu {
    fn halves(self, x: &Tensor) -> Result<[Tensor; 2], TchError> {
        let half = x.size().get(self.dim as usize).copied().unwrap_or(0) / 2;
        Ok([x.f_narrow(self.dim, 0, half)?, x.f_narrow(self.dim, half, half)?])
    }
}

impl Operation for Glu {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        run_keeping(inputs, how, |inputs| inputs[0].f_glu(self.dim))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| inputs[0].f_glu(self.dim))
    }

    fn spatial(&self) -> Spatial<'_> {
        if self.dim == 1 { Spatial::Kept } else { Spatial::Lost }
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Glu {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum {
            return self.backward(pair.here, gradient);
        }
        let (x, x0) = pair.inputs(0)?;
        let ([a, b], [a0, b0]) = (self.halves(x)?, self.halves(x0)?);
        let (gate, gate0) = (b.f_sigmoid()?, b0.f_sigmoid()?);
        let of_left = gate.f_add(&gate0)?.f_mul_scalar(0.5)?;
        let change = b.f_sub(&b0)?;
        // The slope of the sigmoid is s (1 - s).
        let still = gate.f_mul(&gate.f_neg()?.f_add_scalar(1.0)?)?;
        let slope = still.f_where_self(&change.f_abs()?.f_le(NO_CHANGE)?, &gate.f_sub(&gate0)?.f_div(&change)?)?;
        let of_right = a.f_add(&a0)?.f_mul_scalar(0.5)?.f_mul(&slope)?;
        Ok(vec![Tensor::f_cat(&[gradient.f_mul(&of_left)?, gradient.f_mul(&of_right)?], self.dim)?])
    }
}
