//! `.safetensors` files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};
use tch::Kind;

use super::Stored;

pub(super) fn open(file: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let bytes: Arc<[u8]> = std::fs::read(file).map_err(|error| error.to_string())?.into();
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| format!("not a safetensors file: {error}"))?;
    let mut stored = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let Some(kind) = kind(view.dtype()) else {
            return Err(format!("`{name}` has elements of type {:?}, which weights cannot have", view.dtype()));
        };
        let shape = view.shape().iter().map(|size| *size as i64).collect();
        // Views borrow from `bytes`; an offset into them may be kept.
        let start = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
        let (bytes, range) = (Arc::clone(&bytes), start..start + view.data().len());
        stored
            .insert(name.to_owned(), Stored { shape, kind, read: Box::new(move || Ok(bytes[range.clone()].to_vec())) });
    }
    Ok(stored)
}

fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F64 => Kind::Double,
        Dtype::F32 => Kind::Float,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::I32 => Kind::Int,
        Dtype::I16 => Kind::Int16,
        Dtype::I8 => Kind::Int8,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        _ => return None,
    })
}
