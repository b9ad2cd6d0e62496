//! Normalisation by the root of the mean square.

use super::of_each_image::{Norm, Over};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "rms_norm",
    summary: "normalisation by the root of the mean square over the last dimensions",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.rms_norm"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("input")?;
    let norm = Norm {
        over: Over::LastWithoutMean(call.need("normalized_shape")?),
        weight: call.optional_constant("weight")?,
        bias: None,
        eps: call.optional("eps")?,
    };
    call.apply(norm, &[input])
}
