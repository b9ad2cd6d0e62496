//! Files of shards, written and read. The crate zarrs encodes and decodes; this file puts bytes in their places.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use files::durable;
use half::f16;
use serde_json::Value;
use sweep::computed_by::ComputedBy;
use zarrs::array::{
    Array, ArrayBytes, ArrayMetadata, ArrayToBytesCodecTraits, CodecOptions, DataType, ElementOwned, data_type,
};
use zarrs::storage::store::MemoryStore;

use super::image_chunks::{OpenShard, Pieces};
use super::size_limits::Cut;
use super::values::{Data, padded};
use crate::error::StoreError;
use crate::metadata::computed_by;
use crate::metadata::root::{self, METADATA, Nodes, read_json};
use crate::packed::tree;
use crate::tensors::{self, Tensor};

/// The shards of one store, as one writer sees them.
pub struct Shards {
    folder: PathBuf,
    tag: String,
    arrays: BTreeMap<String, Opened>,
    /// Metadata of the arrays of a store of tensors, once it was read.
    of_tensors: Option<Nodes>,
    /// Devices that the store is known to name.
    noted: BTreeSet<ComputedBy>,
}

/// Open array, and the make-up of its files.
struct Opened {
    array: Array<MemoryStore>,
    cut: Cut,
    /// Encoding of single images, for arrays whose shards have a chunk for each image.
    pieces: Option<Arc<Pieces>>,
    /// The array as a tensor, in a store of tensors.
    tensor: Option<Tensor>,
}

impl Shards {
    /// Opens the store in `folder`. `tag` names run and attempt in the names of unfinished files.
    pub fn open(folder: PathBuf, tag: String) -> Self {
        Self { folder, tag, arrays: BTreeMap::new(), of_tensors: None, noted: BTreeSet::new() }
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
        self.put_bytes(array, shard, data.into_bytes())
    }

    /// Writes `shard` of `array` like [`Shards::put`], from native bytes.
    pub(crate) fn put_bytes(&mut self, array: &str, shard: u64, bytes: Vec<u8>) -> Result<u64, StoreError> {
        let (folder, tag) = (self.folder.clone(), self.tag.clone());
        let opened = self.array(array)?;
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
        self.read(array, shard, 0..images as usize, |data_type, bytes| {
            take(T::from_array_bytes(data_type, bytes).map_err(|error| error.to_string())?);
            Ok(())
        })
    }

    /// Gives the images at the positions `wanted` of `shard` to `take`, one after the other.
    fn read(
        &mut self,
        array: &str,
        shard: u64,
        mut wanted: impl Iterator<Item = usize>,
        mut take: impl FnMut(&DataType, ArrayBytes<'_>) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let path = self.file(array, shard)?;
        if self.opened(array)?.tensor.is_none() {
            return self.pieces(array)?.read(&path, wanted, take);
        }
        let opened = self.opened(array)?;
        let Some(tensor) = &opened.tensor else { return Ok(()) };
        let first = first_row(opened, shard);
        wanted.try_for_each(|image| {
            let bytes = tensor.rows(first + image as u64, 1);
            let bytes = bytes.map_err(|source| StoreError::Read { path: path.clone(), source })?;
            let taken = take(opened.array.data_type(), ArrayBytes::from(bytes));
            taken.map_err(|reason| StoreError::Damaged { path: path.clone(), reason })
        })
    }

    /// Gives the images at the positions `wanted` of `shard` of an array of floats to `take`, one after the other.
    pub(crate) fn some(
        &mut self,
        array: &str,
        shard: u64,
        wanted: &[usize],
        mut take: impl FnMut(Data),
    ) -> Result<(), StoreError> {
        self.read(array, shard, wanted.iter().copied(), |data_type, bytes| {
            take(data_of(data_type, bytes)?);
            Ok(())
        })
    }

    /// Reads the rows at the positions `wanted` of `shard` of an array of numbers that has `rows` rows there.
    pub(crate) fn rows(&mut self, array: &str, shard: u64, rows: u64, wanted: &[usize]) -> Result<Data, StoreError> {
        if *self.array(array)?.data_type() == data_type::int64() {
            return Ok(Data::Int64(picked(&self.integers(array, shard, rows)?, rows, wanted)));
        }
        Ok(Data::Float32(picked(&self.floats(array, shard, rows)?, rows, wanted)))
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
        if self.opened(array)?.tensor.is_some() {
            return Ok(tensors::file(&folder, array));
        }
        let opened = self.array(array)?;
        Ok(folder.join(opened.chunk_key(&place(opened, shard)).as_str()))
    }

    fn values<T: ElementOwned>(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<T>, StoreError> {
        let path = self.file(array, shard)?;
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let opened = self.opened(array)?;
        if let Some(tensor) = &opened.tensor {
            let of_images = opened
                .array
                .dimension_names()
                .as_ref()
                .is_some_and(|names| names.first() == Some(&Some("sample".to_owned())));
            let bytes = if of_images { tensor.rows(first_row(opened, shard), images) } else { tensor.all() };
            let bytes = bytes.map_err(|source| StoreError::Read { path: path.clone(), source })?;
            let values = T::from_array_bytes(opened.array.data_type(), ArrayBytes::from(bytes));
            return values.map_err(|error| failed(error.to_string()));
        }
        let Opened { array: opened, cut, .. } = opened;
        let place = place(opened, shard);
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

    fn opened_tensor(&mut self, name: &str) -> Result<&Opened, StoreError> {
        let path = tensors::file(&self.folder, name);
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        if self.of_tensors.is_none() {
            self.of_tensors = root::read(&self.folder)?.map(|root| root::consolidated(&root.value));
        }
        if !self.arrays.contains_key(name) {
            let metadata = self.of_tensors.as_ref().and_then(|nodes| nodes.get(name));
            let metadata = metadata.ok_or_else(|| failed("it has no metadata".to_owned()))?;
            let cut = Cut::of(metadata).map_err(failed)?;
            let array = array_of(name, metadata).map_err(failed)?;
            let tensor = Tensor::open(&path, metadata).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => failed(error.to_string()),
                io::ErrorKind::NotFound => failed("it is missing".to_owned()),
                _ => StoreError::Read { path: path.clone(), source: error },
            })?;
            self.arrays.insert(name.to_owned(), Opened { array, cut, pieces: None, tensor: Some(tensor) });
        }
        self.arrays.get(name).ok_or_else(|| failed("not opened".to_owned()))
    }

    fn array(&mut self, name: &str) -> Result<&Array<MemoryStore>, StoreError> {
        self.opened(name).map(|opened| &opened.array)
    }

    fn opened(&mut self, name: &str) -> Result<&Opened, StoreError> {
        if tensors::is_place(&self.folder) {
            return self.opened_tensor(name);
        }
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
            self.arrays.insert(name.to_owned(), Opened { array, cut, pieces: pieces.map(Arc::new), tensor: None });
        }
        self.arrays.get(name).ok_or_else(|| failed("not opened".to_owned()))
    }
}

/// Position in the tensor of the first row of `shard`.
fn first_row(opened: &Opened, shard: u64) -> u64 {
    let rows = opened.array.chunk_shape(&place(&opened.array, shard)).map_or(0, |shape| shape[0].get());
    shard.saturating_mul(rows)
}

/// Values of a decoded image. The error is one sentence.
fn data_of(data_type: &DataType, bytes: ArrayBytes<'_>) -> Result<Data, String> {
    let data = if *data_type == data_type::float16() {
        f16::from_array_bytes(data_type, bytes).map(Data::Float16)
    } else {
        f32::from_array_bytes(data_type, bytes).map(Data::Float32)
    };
    data.map_err(|error| error.to_string())
}

/// The rows at the positions `wanted` of `values`, which are those of `rows` rows.
fn picked<T: Copy>(values: &[T], rows: u64, wanted: &[usize]) -> Vec<T> {
    let width = values.len() / rows.max(1) as usize;
    wanted.iter().filter_map(|row| values.get(row * width..(row + 1) * width)).flatten().copied().collect()
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
