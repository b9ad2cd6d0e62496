//! Shards with a chunk for each image, written and read image by image, so that memory holds one image and not the shard.
//!
//! The crate zarrs encodes and decodes each image. A file has the chunks one after the other, then an index of their places, then
//! the checksum of the index. The bytes equal those that zarrs makes of a whole shard (`tests/image_chunks.rs`).

use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use files::pending::PendingFile;
use serde_json::Value;
use zarrs::array::{ArrayBytes, ArrayToBytesCodecTraits, CodecChain, CodecOptions, DataType, FillValue, data_type};

use super::size_limits::Cut;
use super::values::Data;
use crate::error::StoreError;
use crate::packed::tree;

/// Encoding of the images of a sharded array.
pub(crate) struct Pieces {
    shape: Vec<NonZeroU64>,
    /// Number of images in a shard.
    count: usize,
    chain: CodecChain,
    index: CodecChain,
    data_type: DataType,
    fill: FillValue,
    cut: Cut,
}

impl Pieces {
    /// Encoding for an array with this `zarr.json`, which [`Cut`] has accepted; `None` if its shards have no chunk for each image.
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
        let one = shape.first().is_some_and(|first| first.get() == 1);
        // Anything else is cut along other dimensions too, and none of ours.
        if whole.len() != shape.len() || whole[1..] != shape[1..] || !one {
            return Ok(None);
        }
        let (codecs, index) = (chain(&inside["codecs"])?, chain(&inside["index_codecs"])?);
        let count = whole[0].get() as usize;
        Ok(Some(Self { shape, count, chain: codecs, index, data_type: data_type.clone(), fill: fill.clone(), cut }))
    }

    /// Size of a decoded image in bytes.
    fn size(&self) -> usize {
        self.shape.iter().map(|side| side.get() as usize).product::<usize>() * self.fill.size()
    }

    fn encode(&self, image: Vec<u8>) -> Result<Vec<u8>, String> {
        let encoded = self.chain.encode(ArrayBytes::from(image), &self.shape, &self.data_type, &self.fill, &options());
        Ok(encoded.map_err(|error| error.to_string())?.into_owned())
    }

    fn decode<'a>(&self, piece: Vec<u8>) -> Result<ArrayBytes<'a>, String> {
        let decoded = self.chain.decode(piece.into(), &self.shape, &self.data_type, &self.fill, &options());
        decoded.map_err(|error| error.to_string())
    }

    /// Shape, type and fill value of an index.
    fn of_index(&self) -> ([NonZeroU64; 2], DataType, FillValue) {
        let count = NonZeroU64::new(self.count as u64).unwrap_or(NonZeroU64::MIN);
        ([count, NonZeroU64::MIN.saturating_add(1)], data_type::uint64(), FillValue::from(u64::MAX))
    }

    fn encode_index(&self, index: &[u64]) -> Result<Vec<u8>, String> {
        let (shape, data_type, fill) = self.of_index();
        let bytes: Vec<u8> = index.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let encoded = self.index.encode(ArrayBytes::from(bytes), &shape, &data_type, &fill, &options());
        Ok(encoded.map_err(|error| error.to_string())?.into_owned())
    }

    /// Places of the images in a file with this index at its end.
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
        for position in wanted {
            let place = index.get(2 * position..2 * position + 2).unwrap_or(&[u64::MAX; 2]);
            let (offset, size) = (place[0], place[1]);
            if offset.checked_add(size).is_none_or(|end| end > start) {
                return Err(damaged("its index leads out of it, or an image is missing".to_owned()));
            }
            let encoded = file.read(offset, size).map_err(unread)?;
            self.cut.check_piece(&encoded).map_err(damaged)?;
            take(&self.data_type, self.decode(encoded).map_err(damaged)?).map_err(damaged)?;
        }
        Ok(())
    }
}

fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1)
}

/// Encoder of images of an array, for any thread: encoding takes most of the time of writing.
pub struct Encoder {
    array: String,
    shard: u64,
    pieces: Arc<Pieces>,
}

/// Encoded images.
pub struct Encoded(Vec<Vec<u8>>);

impl Encoder {
    /// Encodes whole images.
    pub fn encode(&self, data: Data) -> Result<Encoded, StoreError> {
        let failed = |reason| StoreError::Encode { array: self.array.clone(), shard: self.shard, reason };
        let (bytes, size) = (data.into_bytes(), self.pieces.size());
        if bytes.len() % size != 0 {
            return Err(failed(format!("{} bytes are no whole images of {size}", bytes.len())));
        }
        let images = bytes.chunks_exact(size).map(|image| self.pieces.encode(image.to_vec()));
        images.collect::<Result<_, _>>().map(Encoded).map_err(failed)
    }
}

/// Shard that is being written under a temporary name. The shard exists once it is [finished](OpenShard::finish); dropped before,
/// it leaves nothing behind.
pub struct OpenShard {
    array: String,
    shard: u64,
    /// Number of images that the shard will have.
    images: usize,
    pieces: Arc<Pieces>,
    file: PendingFile,
    /// Place and size of each image so far, in bytes.
    index: Vec<u64>,
    length: u64,
}

impl OpenShard {
    pub(crate) fn create(
        (array, shard): (&str, u64),
        images: u64,
        pieces: Arc<Pieces>,
        path: &Path,
        tag: &str,
    ) -> Result<Self, StoreError> {
        let file = PendingFile::create(path, tag)?;
        Ok(Self { array: array.to_owned(), shard, images: images as usize, pieces, file, index: Vec::new(), length: 0 })
    }

    /// Appends whole images.
    pub fn append(&mut self, data: Data) -> Result<(), StoreError> {
        self.append_encoded(self.encoder().encode(data)?)
    }

    /// Encoder of the shard's images.
    pub fn encoder(&self) -> Encoder {
        Encoder { array: self.array.clone(), shard: self.shard, pieces: Arc::clone(&self.pieces) }
    }

    /// Appends images that the shard's encoder has made.
    pub fn append_encoded(&mut self, Encoded(images): Encoded) -> Result<(), StoreError> {
        let there = self.index.len() / 2;
        if there + images.len() > self.images {
            let (more, images) = (images.len(), self.images);
            return Err(self.failed(format!("{more} images more than {there} of {images}")));
        }
        for encoded in images {
            self.file.append(&encoded)?;
            self.index.extend([self.length, encoded.len() as u64]);
            self.length += encoded.len() as u64;
        }
        Ok(())
    }

    /// Puts the shard in place, durably. Returns its size in bytes. Images that the last shard of an array lacks stay empty.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        let there = self.index.len() / 2;
        if there != self.images {
            return Err(self.failed(format!("{there} of {} images were given", self.images)));
        }
        self.index.resize(2 * self.pieces.count, u64::MAX);
        let index = self.pieces.encode_index(&self.index).map_err(|reason| self.failed(reason))?;
        self.file.append(&index)?;
        self.file.place()?;
        Ok(self.length + index.len() as u64)
    }

    fn failed(&self, reason: String) -> StoreError {
        StoreError::Encode { array: self.array.clone(), shard: self.shard, reason }
    }
}
