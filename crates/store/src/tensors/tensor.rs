//! One tensor of a store, whose rows are read where they lie.

use std::io;
use std::path::Path;

use files::torch::{ElementType, pickled};
use serde_json::Value;

use super::STEM;
use crate::packed::archive::{Archive, Part};

/// Longest pickle that is read, in bytes. The pickle of one tensor has some 200.
const MOST: u64 = 4096;

/// A tensor that is open for reading.
pub(crate) struct Tensor {
    elements: Part,
    /// Size of a row in bytes; of the whole tensor if it has no row for each image.
    row: u64,
}

impl Tensor {
    /// Opens the tensor in `file`, which must be that of an array with this `zarr.json`.
    ///
    /// # Errors
    /// An error of kind `InvalidData` for a file of another tensor.
    pub(crate) fn open(file: &Path, metadata: &Value) -> io::Result<Self> {
        let (element, shape) =
            described(metadata).ok_or_else(|| invalid("its metadata is not that of an array of a store"))?;
        let archive = Archive::open(file)?;
        let pickle = archive.part(&format!("{STEM}/data.pkl"))?;
        if pickle.read(0, pickle.length().min(MOST))? != pickled(element, &shape) {
            return Err(invalid("its pickle is not that of this array"));
        }
        let elements = archive.part(&format!("{STEM}/data/0"))?;
        let wanted = shape.iter().try_fold(element.size(), |product, size| product.checked_mul(*size));
        if wanted != Some(elements.length()) {
            return Err(invalid(&format!(
                "it holds {} bytes of values, expected those of {shape:?}",
                elements.length()
            )));
        }
        let of_images = metadata["dimension_names"][0] == "sample";
        let rows = if of_images { shape[0] } else { 1 };
        Ok(Self { row: elements.length() / rows.max(1), elements })
    }

    /// Bytes of `count` rows from row `first`.
    pub(crate) fn rows(&self, first: u64, count: u64) -> io::Result<Vec<u8>> {
        let (at, size) = (first.checked_mul(self.row), count.checked_mul(self.row));
        at.zip(size).map_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()), |(at, size)| self.elements.read(at, size))
    }

    /// Bytes of all elements.
    pub(crate) fn all(&self) -> io::Result<Vec<u8>> {
        self.elements.read(0, self.elements.length())
    }
}

/// Element type and shape of an array with this `zarr.json`.
fn described(metadata: &Value) -> Option<(ElementType, Vec<u64>)> {
    let element = match metadata["data_type"].as_str()? {
        "float16" => ElementType::Float16,
        "float32" => ElementType::Float32,
        "int64" => ElementType::Int64,
        _ => return None,
    };
    let shape: Vec<u64> = serde_json::from_value(metadata["shape"].clone()).ok()?;
    (!shape.is_empty()).then_some((element, shape))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}
