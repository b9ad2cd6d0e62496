//! Values of images on their way into a shard.

use half::f16;

/// Values of the images of one shard, in C order.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are element types")]
pub enum Data {
    Float16(Vec<f16>),
    Float32(Vec<f32>),
    Int64(Vec<i64>),
}

impl Data {
    /// Native bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Float16(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Float32(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Int64(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
        }
    }

    /// Little-endian bytes.
    pub(crate) fn into_little_endian(self) -> Vec<u8> {
        match self {
            Self::Float16(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Float32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Int64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }
}

/// `bytes`, native ones, filled up to `elements` values with `fill`.
pub(super) fn padded(mut bytes: Vec<u8>, elements: usize, fill: &[u8]) -> Result<Vec<u8>, String> {
    let wanted = elements * fill.len();
    if bytes.len() > wanted || !bytes.len().is_multiple_of(fill.len()) {
        return Err(format!("{} bytes do not fit a shard of {wanted}", bytes.len()));
    }
    let missing = (wanted - bytes.len()) / fill.len();
    bytes.extend(fill.repeat(missing));
    Ok(bytes)
}
