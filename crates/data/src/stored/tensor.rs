//! Tensor in a file of its own, as `torch.save` leaves it: rows are read where they lie.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use files::torch::{ElementType, TensorError, TensorFile};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::DataError;
use crate::numpy::Element;

/// A tensor, open for reading.
#[derive(Debug)]
pub(crate) struct Tensor {
    path: PathBuf,
    file: File,
    /// Place of the elements in the file, in bytes.
    place: Range<u64>,
    /// Sizes of the dimensions.
    pub(super) shape: Vec<u64>,
    /// Type of the elements.
    pub(super) element: Element,
    /// Name of the type, as NumPy spells it.
    pub(super) type_name: &'static str,
    /// Value that names the content.
    pub(super) content: Value,
}

/// Name of a type, as NumPy spells it.
fn descr(element: ElementType) -> &'static str {
    match element {
        ElementType::Float16 => "<f2",
        ElementType::Float32 => "<f4",
        ElementType::Float64 => "<f8",
        ElementType::Byte => "|u1",
        ElementType::Int32 => "<i4",
        ElementType::Int64 => "<i8",
    }
}

fn told(path: &Path, error: TensorError) -> DataError {
    match error {
        TensorError::Read(source) => DataError::Read { file: path.to_owned(), source },
        TensorError::Content(reason) => DataError::Content { file: path.to_owned(), reason },
    }
}

impl Tensor {
    /// Opens the tensor called `name` in `folder`; `None` if there is none.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Option<Self>, DataError> {
        let path = folder.join(format!("{name}.pt"));
        if !path.is_file() {
            return Ok(None);
        }
        let content_error = |reason: String| DataError::Content { file: path.clone(), reason };
        let mut opened = TensorFile::of_any_type(&path).map_err(|error| told(&path, error))?;
        let (shape, type_name) = (opened.shape().to_vec(), descr(opened.element()));
        if shape.is_empty() {
            return Err(content_error("it holds a single number, expected a row for each image".to_owned()));
        }
        let element =
            Element::parse(type_name).ok_or_else(|| content_error(format!("elements of type {type_name}")))?;
        let place = opened.place().map_err(content_error)?;
        let entries = opened.entries().map_err(content_error)?;
        let mut digest = Sha256::new();
        for (entry, size, crc32) in entries {
            digest.update(format!("{}:{entry}{size}:{crc32:08x}", entry.len()));
        }
        let content = json!(format!("{name} {shape:?} sha256 {}", hex::encode(digest.finalize())));
        let file = File::open(&path).map_err(|source| DataError::Read { file: path.clone(), source })?;
        Ok(Some(Self { path, file, place, shape, element, type_name, content }))
    }

    /// Bytes of the rows in `range`.
    pub(super) fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let rows = self.shape[0].max(1);
        let row = (self.place.end - self.place.start) / rows;
        if range.start > range.end || range.end > self.shape[0] {
            return Err(self.error(format!("no rows {range:?}, it has {}", self.shape[0])));
        }
        // The rows lie in the file, whose size bounds them.
        let (at, size) = (self.place.start + range.start * row, (range.end - range.start) * row);
        let failed = |source| DataError::Read { file: self.path.clone(), source };
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(at)).map_err(failed)?;
        (&mut self.file).take(size).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != size {
            return Err(self.error(format!("cut off: it has no rows {range:?}")));
        }
        Ok(bytes)
    }

    /// Reads the whole file, and compares its checksums.
    pub(super) fn verify(&self) -> Result<(), DataError> {
        let opened = TensorFile::of_any_type(&self.path).and_then(|mut file| file.verify());
        opened.map_err(|error| told(&self.path, error))
    }

    /// Error about this tensor.
    pub(super) fn error(&self, reason: impl Into<String>) -> DataError {
        DataError::Content { file: self.path.clone(), reason: reason.into() }
    }
}
