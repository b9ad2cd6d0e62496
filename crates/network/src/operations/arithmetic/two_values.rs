//! Sums, differences, products and quotients of two values, or of a value and a constant.

use tch::{TchError, Tensor};

use super::with_constant::{Affine, WithConstant};
use crate::graph::{Compared, How, Kept, Local, Operation, Pair, Spatial, copied};
use crate::operations::gradients::{plain_gradient, reduced, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "arithmetic",
    summary: "sum, difference, product and quotient, broadcasting; a sum with a product",
    deep_lift: "sums are linear; a product or quotient shares its change equally between both (captum: plain gradient)",
    aten: &[
        "aten.add",
        "aten.sub",
        "aten.rsub",
        "aten.mul",
        "aten.multiply",
        "aten.div",
        "aten.true_divide",
        "aten.subtract",
        "aten.neg",
        "aten.addcmul",
        "aten.addcdiv",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    if let Some(mode) = call.optional::<String>("rounding_mode")? {
        return super::rounded::quotient(call, &mode);
    }
    let mut value = call.value("self")?;
    if call.operator() == "neg" {
        return times(call, &value, -1.0);
    }
    if let "addcmul" | "addcdiv" = call.operator() {
        let (left, right) = (call.value("tensor1")?, call.value("tensor2")?);
        let what = if call.operator() == "addcmul" { Affine::Multiply } else { Affine::Divide };
        let product = both(call, what, left, right)?;
        let product = times(call, &product, call.get("value", 1.0)?)?;
        return both(call, Affine::Add, value, product);
    }
    let mut other = call.operand("other")?;
    let alpha = call.get("alpha", 1.0)?;
    if alpha != 1.0 && call.operator() == "rsub" {
        value = times(call, &value, alpha)?;
    } else if alpha != 1.0 {
        other = times(call, &other, alpha)?;
    }
    match call.operator() {
        "add" => both(call, Affine::Add, value, other),
        "sub" | "subtract" => both(call, Affine::Subtract, value, other),
        "rsub" => both(call, Affine::Subtract, other, value),
        "div" | "true_divide" => both(call, Affine::Divide, value, other),
        _ => both(call, Affine::Multiply, value, other),
    }
}

fn both(call: &mut Call<'_>, what: Affine, left: Value, right: Value) -> Result<Value, ExportError> {
    match (what, &left, &right) {
        (_, _, Value::Constant(constant)) => with(call, what, &left, constant),
        (Affine::Add | Affine::Multiply, Value::Constant(constant), _) => with(call, what, &right, constant),
        (Affine::Add, ..) => call.apply(Add, &[left, right]),
        (Affine::Subtract, ..) => call.apply(Arithmetic::Subtract, &[left, right]),
        (Affine::Multiply, ..) => call.apply(Arithmetic::Multiply, &[left, right]),
        (Affine::Divide, ..) => call.apply(Arithmetic::Divide, &[left, right]),
    }
}

pub(in crate::operations) fn times(call: &mut Call<'_>, value: &Value, factor: f64) -> Result<Value, ExportError> {
    let (device, kind) = call.placed();
    let factor = Tensor::f_full(Vec::<i64>::new(), factor, (kind, device))?;
    with(call, Affine::Multiply, value, &factor)
}

fn with(call: &mut Call<'_>, what: Affine, value: &Value, constant: &Tensor) -> Result<Value, ExportError> {
    if let Some(other) = value.tensor() {
        call.broadcast(&[other, constant])?;
    }
    call.apply(WithConstant { what, constant: copied(constant)? }, std::slice::from_ref(value))
}

/// The sum of two values: the residual connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Add;

/// Arithmetic of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Subtract,
    Multiply,
    Divide,
}

impl Operation for Add {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let [left, right] = inputs else { return Err(arity(inputs.len())) };
        let sum = if how.overwrite && left.size() == right.size() {
            left.shallow_clone().f_add_(right)?
        } else {
            left.f_add(right)?
        };
        Ok((sum, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        kept.shapes.iter().map(|shape| reduced(gradient, shape)).collect()
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn gives_away(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Add {}

impl Arithmetic {
    fn of(self, left: &Tensor, right: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Subtract => left.f_sub(right),
            Self::Multiply => left.f_mul(right),
            Self::Divide => left.f_div(right),
        }
    }
}

impl Operation for Arithmetic {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        if inputs.len() != 2 {
            return Err(arity(inputs.len()));
        }
        run_keeping(inputs, how, |inputs| self.of(inputs[0], inputs[1]))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(&inputs[0], &inputs[1]))
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn compared(&self) -> Option<&dyn Compared> {
        Some(self)
    }
}

impl Compared for Arithmetic {
    /// A product changes by `da (b + b0) / 2 + db (a + a0) / 2`: exact, and fair to both (it is the
    /// Shapley value). A quotient is the product with the reciprocal, whose change over that of the
    /// divisor is `-1 / (b b0)`.
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        if pair.captum || *self == Self::Subtract {
            return self.backward(pair.here, gradient);
        }
        let (of_left, of_right) = if *self == Self::Divide {
            let (b, b0) = pair.inputs(1)?;
            let reciprocal = b.f_reciprocal()?.f_add(&b0.f_reciprocal()?)?.f_mul_scalar(0.5)?;
            (reciprocal, pair.midway(0)?.f_div(&b.f_mul(b0)?)?.f_neg()?)
        } else {
            (pair.midway(1)?, pair.midway(0)?)
        };
        Ok(vec![
            reduced(&gradient.f_mul(&of_left)?, pair.here.shape(0)?)?,
            reduced(&gradient.f_mul(&of_right)?, pair.here.shape(1)?)?,
        ])
    }
}

fn arity(found: usize) -> TchError {
    TchError::Shape(format!("arithmetic on {found} values, expected 2"))
}
