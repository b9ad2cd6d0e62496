//! Windows of poolings, as programs give them.

use crate::programs::{Call, ExportError};

/// The stride of a pooling: its kernel where a program gives none, or an empty list.
pub(in crate::operations) fn strides(call: &Call<'_>, kernel: [i64; 2]) -> Result<[i64; 2], ExportError> {
    let given: Vec<i64> = call.get("stride", Vec::new())?;
    if given.is_empty() { Ok(kernel) } else { call.need("stride") }
}
