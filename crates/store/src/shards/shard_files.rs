//! Files of shards, written whole. The crate zarrs encodes; this file puts bytes in their places.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use files::durable;
use sweep::computed_by::ComputedBy;
use zarrs::array::{ArrayBytes, ArrayToBytesCodecTraits, CodecOptions};

use super::image_chunks::Pieces;
use super::open_shard::OpenShard;
use super::opened::{Arrays, place};
use super::values::{Data, padded};
use crate::error::StoreError;
use crate::metadata::computed_by;
use crate::tensors;

/// The shards of one store, as one writer sees them.
pub struct Shards {
    tag: String,
    pub(super) arrays: Arrays,
    /// Devices that the store is known to name.
    noted: BTreeSet<ComputedBy>,
}

impl Shards {
    /// Opens the store in `folder`. `tag` names run and attempt in the names of unfinished files.
    pub fn open(folder: PathBuf, tag: String) -> Self {
        Self { tag, arrays: Arrays::of(folder), noted: BTreeSet::new() }
    }

    /// Says in the store, durably, that `device` computes maps of it: before the first of these maps is put in place. Returns the
    /// number of bytes.
    pub fn note_device(&mut self, device: &ComputedBy) -> Result<u64, StoreError> {
        // What the store says is read once for a writer, not for each of its maps.
        if self.noted.contains(device) {
            return Ok(0);
        }
        let bytes = computed_by::note(&self.arrays.folder, device, &self.tag)?;
        self.noted.insert(device.clone());
        Ok(bytes)
    }

    /// Writes `shard` of `array` whole and durably. Returns the number of bytes. The last shard may be short.
    pub fn put(&mut self, array: &str, shard: u64, data: Data) -> Result<u64, StoreError> {
        self.put_bytes(array, shard, data.into_bytes())
    }

    /// Writes `shard` of `array` like [`Shards::put`], from native bytes.
    pub(crate) fn put_bytes(&mut self, array: &str, shard: u64, bytes: Vec<u8>) -> Result<u64, StoreError> {
        let (folder, tag) = (self.arrays.folder.clone(), self.tag.clone());
        let opened = self.arrays.array(array)?;
        let failed = |reason: String| StoreError::Encode { array: array.to_owned(), shard, reason };
        let place = place(opened, shard);
        let shape = opened.chunk_shape(&place).map_err(|error| failed(error.to_string()))?;
        let elements = shape.iter().map(|size| size.get() as usize).product::<usize>();
        let fill = opened.fill_value().as_ne_bytes();
        let bytes = padded(bytes, elements, fill).map_err(failed)?;
        let encoded = opened
            .codecs()
            .encode(
                ArrayBytes::from(bytes),
                &shape,
                opened.data_type(),
                opened.fill_value(),
                &CodecOptions::default().with_concurrent_target(1),
            )
            .map_err(|error| failed(error.to_string()))?;
        let path = folder.join(opened.chunk_key(&place).as_str());
        durable::put(&path, &encoded, &tag)?;
        Ok(encoded.len() as u64)
    }

    /// Begins `shard` of `array`, which is to have `images` images.
    pub fn begin(&mut self, array: &str, shard: u64, images: u64) -> Result<OpenShard, StoreError> {
        let (path, tag) = (self.file(array, shard)?, self.tag.clone());
        let pieces = self.pieces(array)?;
        OpenShard::create((array, shard), images, pieces, &path, &tag)
    }

    /// Encoding of images of `array`.
    pub(super) fn pieces(&mut self, array: &str) -> Result<Arc<Pieces>, StoreError> {
        let path = self.arrays.folder.join(array);
        let none = || StoreError::Damaged { path, reason: "its shards are not cut into images".to_owned() };
        self.arrays.opened(array)?.pieces.clone().ok_or_else(none)
    }

    /// The file of `shard` of `array`.
    pub(crate) fn file(&mut self, array: &str, shard: u64) -> Result<PathBuf, StoreError> {
        let folder = self.arrays.folder.clone();
        if self.arrays.opened(array)?.tensor.is_some() {
            return Ok(tensors::file(&folder, array));
        }
        let opened = self.arrays.array(array)?;
        Ok(folder.join(opened.chunk_key(&place(opened, shard)).as_str()))
    }
}
