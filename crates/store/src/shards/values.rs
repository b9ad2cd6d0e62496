//! Values of images on their way into a shard.

use std::borrow::Cow;

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

    /// Native bytes of `elements` values, those beyond the data being `fill`.
    pub(super) fn into_padded_bytes(self, elements: usize, fill: &[u8]) -> Result<Vec<u8>, String> {
        let mut bytes = self.into_bytes();
        let wanted = elements * fill.len();
        if bytes.len() > wanted || !bytes.len().is_multiple_of(fill.len()) {
            return Err(format!("{} bytes do not fit a shard of {wanted}", bytes.len()));
        }
        let missing = (wanted - bytes.len()) / fill.len();
        bytes.extend(Cow::Borrowed(fill).repeat(missing));
        Ok(bytes)
    }
}
