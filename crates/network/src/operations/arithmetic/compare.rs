//! Comparisons, and values that are chosen by them.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial, copied};
use crate::operations::gradients::reduced;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "compare",
    summary: "comparisons and what is joined of them: without a gradient",
    deep_lift: "nothing passes: not complete",
    aten: &[
        "aten.eq",
        "aten.ne",
        "aten.lt",
        "aten.le",
        "aten.gt",
        "aten.ge",
        "aten.logical_and",
        "aten.logical_or",
        "aten.logical_not",
        "aten.bitwise_and",
        "aten.bitwise_or",
        "aten.bitwise_not",
        "aten.__and__",
        "aten.__or__",
    ],
    import,
};

pub(in crate::operations) const CHOICE: Entry = Entry {
    name: "where",
    summary: "one of two values, as a condition says; the gradient goes to the one that was taken",
    deep_lift: "linear where the condition is a constant; else plain gradient: not complete",
    aten: &["aten.where"],
    import: choose,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let left = call.value("self")?;
    let alone = call.operator().ends_with("_not");
    let right = if alone { left.clone() } else { call.operand("other")? };
    let relation = match call.operator() {
        "eq" => Relation::Equal,
        "ne" => Relation::Different,
        "lt" => Relation::Less,
        "le" => Relation::AtMost,
        "gt" => Relation::Greater,
        "ge" => Relation::AtLeast,
        "logical_and" | "bitwise_and" | "__and__" => Relation::Both,
        "logical_or" | "bitwise_or" | "__or__" => Relation::Any,
        _ => Relation::Neither,
    };
    if let (Some(left), Some(right)) = (left.tensor(), right.tensor()) {
        let bits = call.operator().starts_with("bitwise_") || call.operator().starts_with("__");
        let bits = bits && [left, right].iter().any(|side| !matches!(side.f_kind(), Ok(tch::Kind::Bool)));
        call.broadcast(&[left, right])?;
        return if bits { Err(call.unsupported()) } else { Ok(relation.of(left, right)?.into()) };
    }
    call.push(Compare(relation), &[left, right])
}

fn choose(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let condition = call.value("condition")?;
    let (yes, no) = (call.operand("self")?, call.operand("other")?);
    if let (Some(condition), Some(yes), Some(no)) = (condition.tensor(), yes.tensor(), no.tensor()) {
        call.broadcast(&[condition, yes, no])?;
        return Ok(copied(&yes.f_where_self(condition, no)?)?.into());
    }
    call.push(Where, &[yes, no, condition])
}

/// Kinds of comparison of two values.
#[derive(Clone, Copy, Debug)]
enum Relation {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Both,
    Any,
    Neither,
}

impl Relation {
    fn of(self, left: &Tensor, right: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Equal => left.f_eq_tensor(right),
            Self::Different => left.f_ne_tensor(right),
            Self::Less => left.f_lt_tensor(right),
            Self::AtMost => left.f_le_tensor(right),
            Self::Greater => left.f_gt_tensor(right),
            Self::AtLeast => left.f_ge_tensor(right),
            Self::Both => left.f_logical_and(right),
            Self::Any => left.f_logical_or(right),
            Self::Neither => left.f_logical_not(),
        }
    }
}

/// A comparison: one where it holds, zero elsewhere, in the type of the values, so that it can be multiplied with them.
#[derive(Clone, Copy, Debug)]
struct Compare(Relation);

impl Operation for Compare {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kinds = [inputs[0].f_kind()?, inputs[1].f_kind()?];
        let kind = if inputs[0].is_floating_point() { kinds[0] } else { kinds[1] };
        Ok((self.0.of(inputs[0], inputs[1])?.f_to_kind(kind)?, Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }

    fn is_detached(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

/// The first value where the third is not zero, the second one elsewhere.
#[derive(Clone, Copy, Debug)]
pub(in crate::operations) struct Where;

impl Operation for Where {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let condition = inputs[2].f_ne(0.0)?;
        let output = inputs[0].f_where_self(&condition, inputs[1])?;
        Ok((output, if how.keep { vec![condition] } else { Vec::new() }))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let (condition, nothing) = (kept.tensor(0)?, gradient.f_zeros_like()?);
        let of_first = gradient.f_where_self(condition, &nothing)?;
        let of_second = nothing.f_where_self(condition, gradient)?;
        Ok(vec![reduced(&of_first, kept.shape(0)?)?, reduced(&of_second, kept.shape(1)?)?])
    }

    fn hides_changes(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}
