//! Finished stores as they lie on the disk, whoever wrote them: arrays by their paths, read in bounded memory, never written.
//!
//! A store is a Zarr, in a folder or a zip, or a folder of tensors.

mod column;
mod tensor;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use column::Column;
use tensor::Tensor;

use crate::DataError;
use crate::zarr::{Array, Storage};

/// File that a folder of tensors has, and a Zarr has not.
const OF_TENSORS: &str = "images.pt";

/// A store, open for reading.
#[derive(Debug)]
pub struct Stored {
    place: PathBuf,
    /// Keys of a Zarr; `None` for a folder of tensors.
    zarr: Option<Arc<Storage>>,
}

/// An array of floats, one row for each image.
#[derive(Debug)]
pub struct Rows(Column);

impl Stored {
    /// Opens the store at `place`.
    ///
    /// # Errors
    /// [`DataError`] for what is neither a Zarr nor a folder of tensors.
    pub fn open(place: &Path) -> Result<Self, DataError> {
        let zarr = if place.join(OF_TENSORS).is_file() { None } else { Some(Arc::new(Storage::open(place)?)) };
        Ok(Self { place: place.to_owned(), zarr })
    }

    /// Path of the store.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Keys of a Zarr; `None` for a folder of tensors.
    pub(crate) fn zarr(&self) -> Option<&Storage> {
        self.zarr.as_deref()
    }

    /// Opens the array at `path`; `None` if there is none.
    pub(crate) fn column(&self, path: &str) -> Result<Option<Column>, DataError> {
        match &self.zarr {
            Some(storage) => Ok(Array::open(storage, path)?.map(Column::Array)),
            None => Ok(Tensor::open(&self.place, path)?.map(Column::Tensor)),
        }
    }

    /// Opens the array at `path`, every part of which must be there.
    pub(crate) fn whole(&self, path: &str) -> Result<Column, DataError> {
        let column = self.column(path)?.ok_or_else(|| DataError::Content {
            file: self.place.clone(),
            reason: format!("no array `{path}`, which is to be taken from this store; it has: {}", self.members()),
        })?;
        let element = column.element().ok_or_else(|| column.error(column.no_numbers()))?;
        if !element.is_float() {
            return Err(column.error(format!("elements of type `{}`, expected floats", column.type_name())));
        }
        column.demand()
    }

    /// Opens the array of floats at `path`, every part of which must be there.
    ///
    /// # Errors
    /// [`DataError`] for an array that is not there, not whole, or of another type.
    pub fn rows(&self, path: &str) -> Result<Rows, DataError> {
        self.whole(path).map(Rows)
    }

    fn members(&self) -> String {
        let Some(storage) = &self.zarr else {
            let entries = std::fs::read_dir(&self.place).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).take(12).collect();
            names.sort();
            return names.join(", ");
        };
        storage.members()
    }
}

impl Rows {
    /// Sizes of the axes.
    pub fn shape(&self) -> &[u64] {
        self.0.shape()
    }

    /// Value that names the content.
    pub fn content(&self) -> serde_json::Value {
        self.0.content()
    }

    /// Number of rows that are read together best: some 16 MiB, but whole chunks where these have up to 512 MiB, as those of scripts do.
    pub fn at_once(&self) -> u64 {
        const USUAL: u64 = 16 << 20;
        const MOST: u64 = 512 << 20;
        let row = self.0.shape().iter().skip(1).fold(size_of::<f32>() as u64, |row, size| row.saturating_mul(*size));
        let (usual, together) = ((USUAL / row.max(1)).max(1), self.0.together());
        if together.saturating_mul(row) <= MOST { usual.div_ceil(together).saturating_mul(together) } else { usual }
    }

    /// Values of the rows in `range`.
    ///
    /// # Errors
    /// [`DataError`] for damage, and for rows that the array does not have.
    pub fn read(&mut self, range: Range<u64>) -> Result<Vec<f32>, DataError> {
        let rows = self.0.shape().first().copied().unwrap_or(0);
        if range.start > range.end || range.end > rows {
            return Err(self.0.error(format!("no rows {range:?}, it has {rows}")));
        }
        self.0.floats(range)
    }

    /// Compares checksums that are not compared where rows are read.
    ///
    /// # Errors
    /// [`DataError`] for damage.
    pub fn verify(&mut self) -> Result<(), DataError> {
        self.0.verify()
    }
}

#[cfg(test)]
mod tests;
