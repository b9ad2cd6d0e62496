//! Checkpoints of `torch.save`. The pickle is parsed as data: no code that it names is ever run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pytorch_reader::{DType, PytorchReader};
use tch::Kind;

use super::Stored;

/// How many times the bytes of the file its tensors may have: tied weights are read once for each name.
///
/// One of them alone cannot have more than the file: torch.save compresses nothing, and weights are no views that see one
/// value many times (a stride of 0).
const SHARING: u64 = 4;

pub(super) fn open(file: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let reader = PytorchReader::new(file).map_err(|error| format!("not a checkpoint of torch.save: {error}"))?;
    let most = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    let (mut stored, mut taken) = (BTreeMap::new(), 0_u64);
    for (name, tensor) in reader.into_tensors() {
        let bytes = tensor.byte_len() as u64;
        taken = taken.saturating_add(bytes);
        if bytes > most || taken > most.saturating_mul(SHARING) {
            return Err(format!("`{name}` claims {bytes} bytes, all so far {taken}; the file has {most}"));
        }
        let Some(kind) = kind(tensor.dtype()) else {
            return Err(format!("`{name}` has elements of type {:?}, which weights cannot have", tensor.dtype()));
        };
        let shape = tensor.shape().iter().map(|size| *size as i64).collect();
        let tensor = Arc::new(tensor);
        stored.insert(name, Stored { shape, kind, read: Box::new(move || tensor.read()) });
    }
    if stored.is_empty() {
        return Err("it holds no tensors".to_owned());
    }
    Ok(stored)
}

fn kind(dtype: DType) -> Option<Kind> {
    Some(match dtype {
        DType::F64 => Kind::Double,
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::BF16 => Kind::BFloat16,
        DType::I64 => Kind::Int64,
        DType::I32 => Kind::Int,
        DType::I16 => Kind::Int16,
        DType::I8 => Kind::Int8,
        DType::U8 => Kind::Uint8,
        DType::Bool => Kind::Bool,
        DType::U64 | DType::U32 | DType::U16 => return None,
    })
}
