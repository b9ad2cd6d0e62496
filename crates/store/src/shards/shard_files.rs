//! Files of shards, written and read. The crate zarrs encodes and decodes; this file puts bytes in their places.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use files::durable;
use half::f16;
use serde_json::Value;
use sweep::computed_by::ComputedBy;
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArrayToBytesCodecTraits, CodecOptions, ElementOwned, data_type};
use zarrs::storage::store::MemoryStore;

use super::image_chunks::{OpenShard, Pieces};
use super::size_limits::Cut;
use super::values::Data;
use crate::error::StoreError;
use crate::metadata::computed_by;
use crate::metadata::root::{METADATA, read_json};
use crate::packed::tree;

/// The shards of one store, as one writer sees them.
pub struct Shards {
    folder: PathBuf,
    tag: String,
    arrays: BTreeMap<String, Opened>,
    /// Devices that the store is known to name.
    noted: BTreeSet<ComputedBy>,
}

/// Open array, and the make-up of its files.
struct Opened {
    array: Array<MemoryStore>,
    cut: Cut,
    /// Encoding of single images, for arrays whose shards have a chunk for each image.
    pieces: Option<Arc<Pieces>>,
}

impl Shards {
    /// Opens the store in `folder`. `tag` names run and attempt in the names of unfinished files.
    pub fn open(folder: PathBuf, tag: String) -> Self {
        Self { folder, tag, arrays: BTreeMap::new(), noted: BTreeSet::new() }
    }

    /// Says in the store, durably, that `device` computes maps of it: before the first of these maps is put in place. Returns the
    /// number of bytes.
    pub fn note_device(&mut self, device: &ComputedBy) -> Result<u64, StoreError> {
        // What the store says is read once for a writer, not for each of its maps.
        if self.noted.contains(device) {
            return Ok(0);
        }
        let bytes = computed_by::note(&self.folder, device, &self.tag)?;
        self.noted.insert(device.clone());
        Ok(bytes)
    }

    /// Writes `shard` of `array` whole and durably. Returns the number of bytes. The last shard may be short.
    pub fn put(&mut self, array: &str, shard: u64, data: Data) -> Result<u64, StoreError> {
        let (folder, tag) = (self.folder.clone(), self.tag.clone());
        let opened = self.array(array)?;
        let failed = |reason: String| StoreError::Encode { array: array.to_owned(), shard, reason };
        let place = place(opened, shard);
        let shape = opened.chunk_shape(&place).map_err(|error| failed(error.to_string()))?;
        let elements = shape.iter().map(|size| size.get() as usize).product::<usize>();
        let fill = opened.fill_value().as_ne_bytes();
        let bytes = data.into_padded_bytes(elements, fill).map_err(failed)?;
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

    /// Begins `shard` of `array`, which is to have a chunk for each of `images` images.
    pub fn begin(&mut self, array: &str, shard: u64, images: u64) -> Result<OpenShard, StoreError> {
        let (path, tag) = (self.file(array, shard)?, self.tag.clone());
        let pieces = self.pieces(array)?;
        OpenShard::create((array, shard), images, pieces, &path, &tag)
    }

    /// Gives the first `images` images of `shard` of a float32 `array` to `take`, one after the other.
    pub fn each(
        &mut self,
        array: &str,
        shard: u64,
        images: u64,
        mut take: impl FnMut(&[f32]),
    ) -> Result<(), StoreError> {
        self.one_by_one(array, shard, images, |values: Vec<f32>| take(&values))
    }

    /// Gives images of an array of half-precision values to `take`, like [`Shards::each`].
    pub(crate) fn each_of_halves(
        &mut self,
        array: &str,
        shard: u64,
        images: u64,
        mut take: impl FnMut(&[f16]),
    ) -> Result<(), StoreError> {
        self.one_by_one(array, shard, images, |values: Vec<f16>| take(&values))
    }

    fn one_by_one<T: ElementOwned>(
        &mut self,
        array: &str,
        shard: u64,
        images: u64,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), StoreError> {
        let path = self.file(array, shard)?;
        self.pieces(array)?.read(&path, images as usize, |data_type, bytes| {
            take(T::from_array_bytes(data_type, bytes).map_err(|error| error.to_string())?);
            Ok(())
        })
    }

    fn pieces(&mut self, array: &str) -> Result<Arc<Pieces>, StoreError> {
        let path = self.folder.join(array);
        let none = || StoreError::Damaged { path, reason: "its shards are not cut into images".to_owned() };
        self.opened(array)?.pieces.clone().ok_or_else(none)
    }

    /// Reads the first `images` images of `shard` of a float32 `array`.
    pub fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        self.values(array, shard, images)
    }

    /// Reads the first `images` images of `shard` of an `array` of maps, in whichever float type they are stored.
    pub fn maps(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        if *self.array(array)?.data_type() == data_type::float16() {
            let halves: Vec<f16> = self.values(array, shard, images)?;
            return Ok(halves.into_iter().map(f16::to_f32).collect());
        }
        self.values(array, shard, images)
    }

    /// Reads the first `images` images of `shard` of an `array` of integers.
    pub(crate) fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError> {
        self.values(array, shard, images)
    }

    /// The file of `shard` of `array`.
    pub(crate) fn file(&mut self, array: &str, shard: u64) -> Result<PathBuf, StoreError> {
        let folder = self.folder.clone();
        let opened = self.array(array)?;
        Ok(folder.join(opened.chunk_key(&place(opened, shard)).as_str()))
    }

    fn values<T: ElementOwned>(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<T>, StoreError> {
        let path = self.file(array, shard)?;
        let Opened { array: opened, cut, .. } = self.opened(array)?;
        let place = place(opened, shard);
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let encoded = match tree::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(failed("it is missing".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                return Err(failed("it is a folder".to_owned()));
            }
            encoded => encoded.map_err(|source| StoreError::Read { path: path.clone(), source })?,
        };
        cut.check(&encoded).map_err(failed)?;
        let shape = opened.chunk_shape(&place).map_err(|error| failed(error.to_string()))?;
        let (data_type, fill) = (opened.data_type(), opened.fill_value());
        let options = CodecOptions::default().with_concurrent_target(1);
        let decoded = opened.codecs().decode(encoded.into(), &shape, data_type, fill, &options);
        let decoded = decoded.map_err(|error| failed(error.to_string()))?;
        let mut values = T::from_array_bytes(data_type, decoded).map_err(|error| failed(error.to_string()))?;
        let of_shard = shape[0].get();
        values.truncate(values.len() / of_shard as usize * images as usize);
        Ok(values)
    }

    fn array(&mut self, name: &str) -> Result<&Array<MemoryStore>, StoreError> {
        self.opened(name).map(|opened| &opened.array)
    }

    fn opened(&mut self, name: &str) -> Result<&Opened, StoreError> {
        let path = self.folder.join(name);
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        // A store that is gone for a while, with the disk that it is on, is not a damaged one.
        let metadata = path.join("zarr.json");
        tree::look(&metadata).map_err(|source| StoreError::Read { path: metadata, source })?;
        if !self.arrays.contains_key(name) {
            let metadata = read_json(&path.join(METADATA))?.ok_or_else(|| failed("it has no metadata".to_owned()))?;
            let cut = Cut::of(&metadata).map_err(failed)?;
            let array = array_of(name, &metadata).map_err(failed)?;
            let pieces = Pieces::of(&metadata, cut, array.data_type(), array.fill_value()).map_err(failed)?;
            self.arrays.insert(name.to_owned(), Opened { array, cut, pieces: pieces.map(Arc::new) });
        }
        self.arrays.get(name).ok_or_else(|| failed("not opened".to_owned()))
    }
}

/// Array at `path` with this `zarr.json`. Nothing is read or written through it: it knows codecs, types and the names of files.
fn array_of(path: &str, metadata: &Value) -> Result<Array<MemoryStore>, String> {
    let metadata: ArrayMetadata = serde_json::from_value(metadata.clone()).map_err(|error| error.to_string())?;
    let array = Array::new_with_metadata(Arc::new(MemoryStore::new()), &format!("/{path}"), metadata);
    array.map_err(|error| error.to_string())
}

/// Position of `shard` in the grid of shards: they are cut along the first dimension only.
fn place(array: &Array<MemoryStore>, shard: u64) -> Vec<u64> {
    let mut place = vec![0; array.dimensionality()];
    place[0] = shard;
    place
}
