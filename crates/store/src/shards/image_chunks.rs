//! Shards that are cut into chunks of one image or of several small ones, read image by image, so that memory holds one chunk and
//! not the shard.
//!
//! The crate zarrs encodes and decodes each chunk. A file has the chunks one after the other, then an index of their places, then
//! the checksum of the index. The bytes equal those that zarrs makes of a whole shard (`tests/image_chunks.rs`).

use std::io;
use std::num::NonZeroU64;
use std::path::Path;

use serde_json::Value;
use zarrs::array::{ArrayBytes, ArrayToBytesCodecTraits, CodecChain, CodecOptions, DataType, FillValue, data_type};

use super::size_limits::Cut;
use super::values::padded;
use crate::error::StoreError;
use crate::packed::tree;

/// Encoding of the images of a sharded array.
pub(crate) struct Pieces {
    /// Shape of a chunk: the number of its images first.
    shape: Vec<NonZeroU64>,
    /// Number of chunks in a shard.
    pub(super) count: usize,
    chain: CodecChain,
    index: CodecChain,
    data_type: DataType,
    fill: FillValue,
    cut: Cut,
}

impl Pieces {
    /// Encoding for an array with this `zarr.json`, which [`Cut`] has accepted; `None` if its shards are not cut into images.
    pub(crate) fn of(
        metadata: &Value,
        cut: Cut,
        data_type: &DataType,
        fill: &FillValue,
    ) -> Result<Option<Self>, String> {
        let (first, whole) = (&metadata["codecs"][0], &metadata["chunk_grid"]["configuration"]["chunk_shape"]);
        if first["name"] != "sharding_indexed" {
            return Ok(None);
        }
        let sizes = |shape: &Value| -> Result<Vec<NonZeroU64>, String> {
            serde_json::from_value(shape.clone()).map_err(|error| format!("its chunks have the shape {shape}: {error}"))
        };
        let chain = |codecs: &Value| -> Result<CodecChain, String> {
            let list: Vec<_> = serde_json::from_value(codecs.clone()).map_err(|error| error.to_string())?;
            CodecChain::from_metadata(&list).map_err(|error| error.to_string())
        };
        let inside = &first["configuration"];
        let (whole, shape) = (sizes(whole)?, sizes(&inside["chunk_shape"])?);
        // Anything else is cut along other dimensions too, and none of ours.
        if shape.is_empty() || whole.len() != shape.len() || whole[1..] != shape[1..] {
            return Ok(None);
        }
        let (codecs, index) = (chain(&inside["codecs"])?, chain(&inside["index_codecs"])?);
        // `cut` has seen that chunks fill the shard.
        let count = (whole[0].get() / shape[0].get()) as usize;
        Ok(Some(Self { shape, count, chain: codecs, index, data_type: data_type.clone(), fill: fill.clone(), cut }))
    }

    /// Number of images in a chunk.
    pub(super) fn together(&self) -> usize {
        self.shape[0].get() as usize
    }

    /// Size of a decoded image in bytes.
    pub(super) fn size(&self) -> usize {
        self.shape[1..].iter().map(|side| side.get() as usize).product::<usize>() * self.fill.size()
    }

    /// Encodes a chunk of these images, which may be fewer than a chunk has.
    pub(super) fn encode(&self, images: Vec<u8>) -> Result<Vec<u8>, String> {
        let elements = self.together() * self.size() / self.fill.size();
        let whole = ArrayBytes::from(padded(images, elements, self.fill.as_ne_bytes())?);
        let encoded = self.chain.encode(whole, &self.shape, &self.data_type, &self.fill, &options());
        Ok(encoded.map_err(|error| error.to_string())?.into_owned())
    }

    /// Bytes of the images of an encoded chunk.
    fn decode(&self, chunk: Vec<u8>) -> Result<Vec<u8>, String> {
        let decoded = self.chain.decode(chunk.into(), &self.shape, &self.data_type, &self.fill, &options());
        let fixed = decoded.and_then(|bytes| Ok(bytes.into_fixed()?)).map_err(|error| error.to_string())?;
        Ok(fixed.into_owned())
    }

    /// Shape, type and fill value of an index.
    fn of_index(&self) -> ([NonZeroU64; 2], DataType, FillValue) {
        let count = NonZeroU64::new(self.count as u64).unwrap_or(NonZeroU64::MIN);
        ([count, NonZeroU64::MIN.saturating_add(1)], data_type::uint64(), FillValue::from(u64::MAX))
    }

    pub(super) fn encode_index(&self, index: &[u64]) -> Result<Vec<u8>, String> {
        let (shape, data_type, fill) = self.of_index();
        let bytes: Vec<u8> = index.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let encoded = self.index.encode(ArrayBytes::from(bytes), &shape, &data_type, &fill, &options());
        Ok(encoded.map_err(|error| error.to_string())?.into_owned())
    }

    /// Places of the chunks in a file with this index at its end.
    fn decode_index(&self, bytes: Vec<u8>) -> Result<Vec<u64>, String> {
        let (shape, data_type, fill) = self.of_index();
        let decoded = self.index.decode(bytes.into(), &shape, &data_type, &fill, &options());
        let decoded = decoded.map_err(|error| error.to_string())?.into_fixed().map_err(|error| error.to_string())?;
        Ok(decoded.chunks_exact(8).map(|number| u64::from_ne_bytes(number.try_into().unwrap_or([0xff; 8]))).collect())
    }

    /// Gives the images at the positions `wanted` of the shard in `path` to `take`, one after the other.
    pub(crate) fn read(
        &self,
        path: &Path,
        wanted: impl Iterator<Item = usize>,
        mut take: impl FnMut(&DataType, ArrayBytes<'_>) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let unread = |source| StoreError::Read { path: path.to_owned(), source };
        let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
        let file = match tree::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("it is missing".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                return Err(damaged("it is a folder".to_owned()));
            }
            file => file.map_err(unread)?,
        };
        let length = file.length();
        let start = self.cut.index_start(length).map_err(damaged)?;
        let index = self.decode_index(file.read(start, length - start).map_err(unread)?).map_err(damaged)?;
        let mut open: Option<(usize, Vec<u8>)> = None;
        for position in wanted {
            let (chunk, within) = (position / self.together(), position % self.together() * self.size());
            if open.as_ref().is_none_or(|(at, _)| *at != chunk) {
                let place = index.get(2 * chunk..2 * chunk + 2).unwrap_or(&[u64::MAX; 2]);
                let (offset, size) = (place[0], place[1]);
                if offset.checked_add(size).is_none_or(|end| end > start) {
                    return Err(damaged("its index leads out of it, or an image is missing".to_owned()));
                }
                let encoded = file.read(offset, size).map_err(unread)?;
                self.cut.check_piece(&encoded).map_err(damaged)?;
                open = Some((chunk, self.decode(encoded).map_err(damaged)?));
            }
            let image = open.as_ref().and_then(|(_, images)| images.get(within..within + self.size()));
            let image = image.ok_or_else(|| damaged("a chunk lacks an image".to_owned()))?;
            take(&self.data_type, ArrayBytes::from(image)).map_err(damaged)?;
        }
        Ok(())
    }
}

fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1)
}
