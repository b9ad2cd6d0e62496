//! Checkpoints of `torch.save`. The pickle is parsed as data: no code that it names is ever run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pytorch_reader::{DType, PytorchReader};
use tch::Kind;

use super::{Stored, other};

/// Largest size of all tensors of a file, as a multiple of the file's: tied weights are read once for each name.
///
/// A single tensor cannot have more than the file: torch.save compresses nothing, and weights are no views that see one
/// value many times (a stride of 0).
const SHARING: u64 = 4;

pub(super) fn open(file: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let reader = PytorchReader::new(file).map_err(|error| format!("not a checkpoint of torch.save: {error}"));
    match reader {
        Ok(reader) if !reader.is_empty() => {
            let mut bounds = Bounds::of(file)?;
            let tensors = reader.into_tensors().into_iter();
            tensors
                .map(|(name, tensor)| bounds.take(&name, tensor.byte_len() as u64).and_then(|()| stored(name, tensor)))
                .collect()
        }
        Ok(_) => otherwise(file, "it holds no tensors".to_owned()),
        Err(reason) => otherwise(file, of_narrow_numbers(file, &reason).unwrap_or(reason)),
    }
}

/// Words for a user where the library read numbers of a type which it does not know: quantised numbers, or numbers of 8 bits.
fn of_narrow_numbers(file: &Path, reason: &str) -> Option<String> {
    let (kind, _) = reason.split_once("unsupported Python type '")?.1.split_once('\'')?;
    let is_numbers = kind.starts_with("torch.") && (kind.ends_with("Storage") || kind.contains("float"));
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    is_numbers.then(|| {
        format!(
            "it holds numbers of the type `{kind}`, which are not read here; keep it under another name and save single precision: \
             `state = torch.load(\"old_{name}\", map_location=\"cpu\")`, then \
             `torch.save({{key: tensor.dequantize() for key, tensor in state.items()}}, \"{name}\")`"
        )
    })
}

/// Tensors of a file that is no dictionary of tensors; where the file is nothing else that is known either, the `reason`
/// stands.
fn otherwise(file: &Path, reason: String) -> Result<BTreeMap<String, Stored>, String> {
    let tensors = other::open(file).map_err(|refusal| refusal.told(file).unwrap_or_else(|| reason.clone()))?;
    if tensors.is_empty() {
        return Err(reason);
    }
    let mut bounds = Bounds::of(file)?;
    tensors.into_iter().map(|(name, bytes, stored)| bounds.take(&name, bytes).map(|()| (name, stored))).collect()
}

/// Keeps tensors from taking many times the file.
struct Bounds {
    most: u64,
    taken: u64,
}

impl Bounds {
    fn of(file: &Path) -> Result<Self, String> {
        let most = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
        Ok(Self { most, taken: 0 })
    }

    fn take(&mut self, name: &str, bytes: u64) -> Result<(), String> {
        self.taken = self.taken.saturating_add(bytes);
        if bytes > self.most || self.taken > self.most.saturating_mul(SHARING) {
            let Self { most, taken } = self;
            return Err(format!("`{name}` claims {bytes} bytes, all so far {taken}; the file has {most}"));
        }
        Ok(())
    }
}

fn stored(name: String, tensor: pytorch_reader::Tensor) -> Result<(String, Stored), String> {
    let Some(kind) = kind(tensor.dtype()) else {
        return Err(format!("`{name}` has elements of type {:?}, which weights cannot have", tensor.dtype()));
    };
    let shape = tensor.shape().iter().map(|size| *size as i64).collect();
    let tensor = Arc::new(tensor);
    Ok((name, Stored { shape, kind, read: Box::new(move || tensor.read()) }))
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
