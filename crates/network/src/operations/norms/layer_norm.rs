//! Layer normalisation.

use super::of_each_image::{Norm, Over};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "layer_norm",
    summary: "layer normalisation over the last dimensions",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.layer_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let norm = Norm {
        over: Over::Last(call.need("normalized_shape")?),
        weight: call.optional_constant("weight")?,
        bias: call.optional_constant("bias")?,
        eps: call.optional("eps")?,
    };
    call.apply(norm, &[input])
}
