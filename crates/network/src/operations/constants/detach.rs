//! A value that no gradient passes: `detach` of a program, and what runs under `torch.no_grad`.

use crate::graph::Detach;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "detach",
    summary: "the same value without a gradient, as behind `detach` and under `torch.no_grad`",
    deep_lift: "nothing passes: not complete",
    aten: &["aten.detach"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if input.tensor().is_some() {
        return Ok(input);
    }
    call.push(Detach, &[input])
}
