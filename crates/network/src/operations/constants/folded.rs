//! Operators that programs apply to weights and constants alone: computed once, while a program is loaded.
//!
//! Every other operation is computed once, too, where nothing that it reads depends on the images.

use tch::{Kind, Tensor};

use super::constant::floating;
use crate::graph::copied;
use crate::programs::{Call, ElementType, Entry, ExportError, MOST, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "folded",
    summary: "of weights and constants alone: tables of positions, parametrised weights",
    deep_lift: "none",
    aten: &[
        "aten.cumsum",
        "aten.linspace",
        "aten.meshgrid",
        "aten.eye",
        "aten.outer",
        "aten.mv",
        "aten.dot",
        "aten.vdot",
        "aten._weight_norm",
        "aten.tril",
        "aten.triu",
        "aten.matrix_exp",
        "aten.linalg_matrix_exp",
        "aten.scalar_tensor",
        "aten.argsort",
        "aten.linalg_householder_product",
        "aten.diagonal",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let value = match call.operator() {
        "linspace" => spaced(call)?,
        "meshgrid" => return grid(call),
        "scalar_tensor" => Tensor::f_full(Vec::<i64>::new(), call.need::<f64>("s")?, options(call)?)?,
        "eye" => {
            let rows = call.need("n")?;
            let columns = call.get("m", rows)?;
            call.few(&[rows, columns])?;
            Tensor::f_eye_m(rows, columns, options(call)?)?
        }
        "_weight_norm" => {
            let (direction, length) = (call.constant("v")?, call.constant("g")?);
            Tensor::f_internal_weight_norm(&direction, &length, call.get("dim", 0)?)?
        }
        "outer" => {
            let (left, right) = (call.constant("self")?, call.constant("vec2")?);
            call.few(&[left.numel() as i64, right.numel() as i64])?;
            left.f_outer(&right)?
        }
        "linalg_householder_product" => call.constant("input")?.f_linalg_householder_product(&call.constant("tau")?)?,
        "mv" => call.constant("self")?.f_mv(&call.constant("vec")?)?,
        "dot" => call.constant("self")?.f_dot(&call.constant("tensor")?)?,
        "vdot" => call.constant("self")?.f_vdot(&call.constant("other")?)?,
        _ => alone(call)?,
    };
    Ok(value.into())
}

/// Results of operators that read one constant.
fn alone(call: &mut Call<'_>) -> Result<Tensor, ExportError> {
    let tensor = call.constant("self")?;
    Ok(match call.operator() {
        "cumsum" => {
            let (_, kind) = call.placed();
            let wanted = call.optional::<ElementType>("dtype")?.map(|ElementType(given)| floating(given, kind));
            tensor.f_cumsum(call.dim("dim", 0)?, wanted)?
        }
        "tril" => tensor.f_tril(call.get("diagonal", 0)?)?,
        "triu" => tensor.f_triu(call.get("diagonal", 0)?)?,
        "argsort" => tensor.f_argsort(call.dim("dim", -1)?, call.get("descending", false)?)?,
        "diagonal" => {
            let (first, second) = (call.dim("dim1", 0)?, call.dim("dim2", 1)?);
            copied(&tensor.f_diagonal(call.get("offset", 0)?, first, second)?)?
        }
        "matrix_exp" | "linalg_matrix_exp" => tensor.f_matrix_exp()?,
        _ => return Err(call.unsupported()),
    })
}

/// Type and device of a tensor that a program makes; the type of a fraction is that of the graph.
fn options(call: &Call<'_>) -> Result<(Kind, tch::Device), ExportError> {
    let (device, kind) = call.placed();
    Ok((call.optional::<ElementType>("dtype")?.map_or(kind, |ElementType(given)| floating(given, kind)), device))
}

fn spaced(call: &Call<'_>) -> Result<Tensor, ExportError> {
    let (start, end, steps): (f64, f64, i64) = (call.need("start")?, call.need("end")?, call.need("steps")?);
    if !(0..=MOST).contains(&steps) {
        return Err(call.fault("steps", "is too large for a constant"));
    }
    Ok(Tensor::f_linspace(start, end, steps, options(call)?)?)
}

/// The coordinates of a grid, each in memory of its own.
fn grid(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let values = call.values("tensors")?;
    let axes: Option<Vec<&Tensor>> = values.iter().map(Value::tensor).collect();
    let axes = axes.ok_or_else(|| call.fault("tensors", "depend on the images; expected constants"))?;
    let mut sizes: Vec<i64> = axes.iter().map(|axis| axis.numel() as i64).collect();
    sizes.push(axes.len() as i64);
    call.few(&sizes)?;
    let indexing = call.get("indexing", "ij".to_owned())?;
    let grids = Tensor::f_meshgrid_indexing(&axes, &indexing)?;
    let own = grids.iter().map(|grid| copied(&grid.f_contiguous()?).map(Value::from));
    Ok(Value::List(own.collect::<Result<_, _>>()?))
}
