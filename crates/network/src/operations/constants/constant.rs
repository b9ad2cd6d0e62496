//! Values that are not computed: the images, and tensors of the model.

use tch::{Kind, Tensor};

use crate::graph::Size;
use crate::operations::arrangements::expand::Expand;
use crate::programs::MOST;
use crate::programs::{Call, ElementType, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "constant",
    summary: "a tensor of the model: class token, position embedding, scale",
    deep_lift: "none",
    aten: &[
        "aten.zeros",
        "aten.ones",
        "aten.full",
        "aten.zeros_like",
        "aten.ones_like",
        "aten.full_like",
        "aten.new_zeros",
        "aten.new_ones",
        "aten.new_full",
        "aten.empty",
        "aten.empty_like",
        "aten.new_empty",
        "aten.arange",
        "aten.fill",
        "aten.zero",
        "aten.copy",
    ],
    import,
};

/// Makes a tensor that a program computes without the images: a mask, or a table of positions.
fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let value = match call.operator() {
        "zeros" | "ones" | "full" | "zeros_like" | "ones_like" | "full_like" | "new_zeros" | "new_ones"
        | "new_full" | "empty" | "empty_like" | "new_empty" => return filled(call),
        "arange" => counted(call)?,
        // In truth in place: other constants may be views of the same memory.
        "fill" => call.constant("self")?.f_fill_tensor_(&constant_operand(call, "value")?)?,
        "zero" => call.constant("self")?.f_zero_()?,
        "copy" => {
            let mut tensor = call.constant("self")?;
            let source = call.constant("src")?.f_expand_as(&tensor)?;
            tensor.f_copy_(&source)?;
            tensor
        }
        _ => return Err(call.unsupported()),
    };
    Ok(value.into())
}

pub(in crate::operations) fn constant_operand(call: &mut Call<'_>, name: &str) -> Result<Tensor, ExportError> {
    let operand = call.operand(name)?;
    let tensor = operand.tensor().map(Tensor::shallow_clone);
    tensor.ok_or_else(|| call.fault(name, "depends on the images; expected a constant"))
}

/// Constant with one value everywhere, in the shape that the program says; for every image, if the images are counted anywhere
/// in that shape.
fn filled(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let shape = call.output_shape()?;
    // Recurrent layers have the images in another place than the first.
    let row: Vec<i64> = shape.iter().map(|size| if let Size::Fixed(size) = size { *size } else { 1 }).collect();
    let values = row.iter().try_fold(1_i64, |all, size| all.checked_mul(*size)).filter(|all| (0..=MOST).contains(all));
    if values.is_none() {
        return Err(call.fault("size", "is too large for a constant"));
    }
    let value = match call.operator() {
        "ones" | "ones_like" | "new_ones" => 1.0,
        "full" | "full_like" | "new_full" => call.need("fill_value")?,
        _ => 0.0,
    };
    let (device, kind) = call.placed();
    let kind = call.optional::<ElementType>("dtype")?.map_or(kind, |ElementType(given)| floating(given, kind));
    let constant = Value::from(Tensor::f_full(row, value, (kind, device))?);
    let of_images = shape.iter().any(|size| matches!(size, Size::Images(_)));
    if of_images { call.push(Expand { shape }, &[constant]) } else { Ok(constant) }
}

/// A floating type becomes that of the graph.
pub(in crate::operations) fn floating(given: Kind, of_graph: Kind) -> Kind {
    if matches!(given, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) { of_graph } else { given }
}

fn counted(call: &mut Call<'_>) -> Result<Tensor, ExportError> {
    if ["start", "end", "step"].into_iter().any(|name| call.optional::<i64>(name).is_err()) {
        return counted_in_fractions(call);
    }
    let (start, step) = (call.get("start", 0)?, call.get("step", 1)?);
    let end: i64 = call.need("end")?;
    // In numbers that cannot overflow.
    let count = (i128::from(end) - i128::from(start)).checked_div(i128::from(step));
    if count.is_none_or(|count| count > i128::from(MOST)) {
        return Err(call.fault("end", "is too large for a constant"));
    }
    let (device, kind) = call.placed();
    let kind = call.optional::<ElementType>("dtype")?.map_or(Kind::Int64, |ElementType(given)| floating(given, kind));
    Ok(Tensor::f_arange_start_step(start, end, step, (kind, device))?)
}

/// Counted numbers like those of [`counted`], where any of the numbers is a fraction.
fn counted_in_fractions(call: &Call<'_>) -> Result<Tensor, ExportError> {
    let (start, end, step): (f64, f64, f64) = (call.get("start", 0.0)?, call.need("end")?, call.get("step", 1.0)?);
    let count = (end - start) / step;
    if !(0.0..=MOST as f64).contains(&count) {
        return Err(call.fault("end", "is too large for a constant"));
    }
    let (device, kind) = call.placed();
    let kind = call.optional::<ElementType>("dtype")?.map_or(kind, |ElementType(given)| floating(given, kind));
    Ok(Tensor::f_arange_start_step(start, end, step, (kind, device))?)
}
