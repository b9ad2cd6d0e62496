//! Values of shards, read. The crate zarrs decodes; of stores of tensors, rows are read where they lie.

use std::io;

use half::f16;
use zarrs::array::{ArrayBytes, ArrayToBytesCodecTraits, CodecOptions, DataType, ElementOwned, data_type};

use super::opened::{Opened, first_row, place};
use super::shard_files::Shards;
use super::values::Data;
use crate::error::StoreError;
use crate::packed::tree;

impl Shards {
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
        if self.arrays.opened(array)?.tensor.is_none() {
            return self.pieces(array)?.read(&path, wanted, take);
        }
        let opened = self.arrays.opened(array)?;
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

    /// Reads the image at position `image` of `shard` of an `array` of images or maps, in whichever float type they are stored.
    pub(crate) fn one(&mut self, array: &str, shard: u64, image: u64) -> Result<Vec<f32>, StoreError> {
        let mut values = Vec::new();
        self.some(array, shard, &[image as usize], |data| {
            values = match data {
                Data::Float32(values) => values,
                Data::Float16(halves) => halves.into_iter().map(f16::to_f32).collect(),
                Data::Int64(_) => Vec::new(),
            };
        })?;
        Ok(values)
    }

    /// Reads the rows at the positions `wanted` of `shard` of an array of numbers that has `rows` rows there.
    pub(crate) fn rows(&mut self, array: &str, shard: u64, rows: u64, wanted: &[usize]) -> Result<Data, StoreError> {
        if *self.arrays.array(array)?.data_type() == data_type::int64() {
            return Ok(Data::Int64(picked(&self.integers(array, shard, rows)?, rows, wanted)));
        }
        Ok(Data::Float32(picked(&self.floats(array, shard, rows)?, rows, wanted)))
    }

    /// Reads the first `images` images of `shard` of a float32 `array`.
    pub fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        self.values(array, shard, images)
    }

    /// Reads the first `images` images of `shard` of an `array` of maps, in whichever float type they are stored.
    pub fn maps(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        if *self.arrays.array(array)?.data_type() == data_type::float16() {
            let halves: Vec<f16> = self.values(array, shard, images)?;
            return Ok(halves.into_iter().map(f16::to_f32).collect());
        }
        self.values(array, shard, images)
    }

    /// Reads the map at `position` of `shard` of an `array` of maps, in whichever float type it is stored.
    pub fn map(&mut self, array: &str, shard: u64, position: usize) -> Result<Vec<f32>, StoreError> {
        let mut map = Vec::new();
        self.some(array, shard, &[position], |data| {
            map = match data {
                Data::Float16(values) => values.into_iter().map(f16::to_f32).collect(),
                Data::Float32(values) => values,
                Data::Int64(_) => Vec::new(),
            }
        })?;
        Ok(map)
    }

    /// Reads the first `images` images of `shard` of an `array` of integers.
    pub fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError> {
        self.values(array, shard, images)
    }

    fn values<T: ElementOwned>(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<T>, StoreError> {
        let path = self.file(array, shard)?;
        let failed = |reason: String| StoreError::Damaged { path: path.clone(), reason };
        let opened = self.arrays.opened(array)?;
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
