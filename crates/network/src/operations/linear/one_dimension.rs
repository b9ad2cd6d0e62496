//! Convolutions and poolings along one dimension: those along two, of one row.

use super::convolution::{Convolution, Geometry, named_padding};
use crate::graph::{Operation, Size};
use crate::operations::arrangements::reshape::Reshape;
use crate::operations::reductions::average_pool::AveragePool;
use crate::operations::reductions::max_pool::{AdaptiveMaxPool, MaxPool};
use crate::operations::reductions::windows::strides;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "line",
    summary: "1-d convolution and pooling, as those of 2-d of one row",
    deep_lift: "as in 2-d",
    aten: &[
        "aten.conv1d",
        "aten.avg_pool1d",
        "aten.adaptive_avg_pool1d",
        "aten.max_pool1d",
        "aten.adaptive_max_pool1d",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    match call.operator() {
        "conv1d" => convolved(call),
        "adaptive_avg_pool1d" => {
            let windows = along(call, "output_size", 1)?;
            call.few_of_image(&call.output_shape()?)?;
            in_a_row(call, "self", AveragePool::Adaptive([1, windows]))
        }
        "adaptive_max_pool1d" => {
            let windows = along(call, "output_size", 1)?;
            call.few_of_image(&call.output_shape()?)?;
            in_a_row(call, "self", AdaptiveMaxPool([1, windows]))
        }
        pool => {
            let kernel = [1, along(call, "kernel_size", 1)?];
            let stride = [1, strides(call, [kernel[1]; 2])?[1]];
            let (padding, ceil) = ([0, along(call, "padding", 0)?], call.get("ceil_mode", false)?);
            call.room_along("self", (stride[1], padding[1]), None)?;
            if pool == "avg_pool1d" {
                let count_padding = call.get("count_include_pad", true)?;
                let windows = AveragePool::Windows { kernel, stride, padding, ceil, count_padding, divisor: None };
                return in_a_row(call, "self", windows);
            }
            let dilation = [1, along(call, "dilation", 1)?];
            in_a_row(call, "self", MaxPool { kernel, stride, padding, dilation, ceil })
        }
    }
}

/// The argument `name`, of one number or a list of one.
fn along(call: &Call<'_>, name: &str, default: i64) -> Result<i64, ExportError> {
    Ok(call.get(name, [default; 2])?[1])
}

fn convolved(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let (weight, bias) = (call.constant("weight")?, call.optional_constant("bias")?);
    let groups = call.get("groups", 1)?;
    if weight.dim() != 3 || groups < 1 {
        return Err(call.fault("weight", "expected a convolution of [n, c, l]"));
    }
    let weight = weight.f_unsqueeze(2)?;
    let dilation = [1, along(call, "dilation", 1)?];
    let padding = match call.optional::<[i64; 2]>("padding") {
        Ok(padding) => padding.map_or(0, |[_, across]| across),
        Err(_) => named_padding(call, &weight, dilation)?[1],
    };
    let stride = [1, along(call, "stride", 1)?];
    call.room_along("input", (stride[1], padding), weight.size().first().copied())?;
    let geometry = Geometry { stride, padding: [0, padding], dilation, groups };
    in_a_row(call, "input", Convolution::new(weight, bias, geometry)?)
}

/// `operation` on the value `name`, `[n, c, l]` as `[n, c, 1, l]`.
fn in_a_row(call: &mut Call<'_>, name: &str, operation: impl Operation + 'static) -> Result<Value, ExportError> {
    let input = call.value(name)?;
    let shape: Vec<Size> = call.shape(name)?.into_iter().map(|size| size.unwrap_or(Size::Fixed(-1))).collect();
    let [rows, channels, length] = shape[..] else {
        return Err(call.fault(name, "expected a value of [n, c, l]"));
    };
    let row = call.apply(Reshape { shape: vec![rows, channels, Size::Fixed(1), length] }, &[input])?;
    let given = call.apply(operation, &[row])?;
    let shape = call.output_shape()?;
    call.apply(Reshape { shape }, &[given])
}
