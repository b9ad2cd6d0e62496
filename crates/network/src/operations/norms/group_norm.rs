//! Group normalisation: statistics of each image over groups of channels.

use super::batch_norm::BatchNorm;
use super::of_each_image::{Norm, Over};
use crate::graph::Size;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "group_norm",
    summary: "group normalisation, and instance normalisation: groups of one channel",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.group_norm", "aten.instance_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    if !call.get("use_input_stats", true)? {
        // Those of training, as a batch norm has them.
        let norm = BatchNorm::from_call(call)?;
        return call.apply(norm, &[input]);
    }
    let groups = if call.operator() == "group_norm" { call.need("num_groups")? } else { instances(call)? };
    let norm = Norm {
        over: Over::Groups(groups),
        weight: call.optional_constant("weight")?,
        bias: call.optional_constant("bias")?,
        eps: call.optional("eps")?,
    };
    call.apply(norm, &[input])
}

/// The channels of an instance norm by the statistics of each image.
fn instances(call: &Call<'_>) -> Result<i64, ExportError> {
    match call.shape("input")?.get(1) {
        Some(Some(Size::Fixed(channels))) => Ok(*channels),
        _ => Err(call.fault("input", "expected a known number of channels")),
    }
}
