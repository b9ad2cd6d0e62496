//! A file of images and labels.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::pickle::Pickle;
use super::value::Value;
use crate::DataError;

/// Bytes of an image.
const IMAGE: usize = 32 * 32 * 3;

/// Largest file in bytes: that of CIFAR-100 has 155 million.
const MOST: u64 = 1 << 30;

/// Kind of the files.
#[derive(Clone, Copy)]
pub(super) enum Records {
    /// A pickle, with the labels under this key.
    Pickle { labels: &'static str },
    /// Records of this number of labels, of which the last label counts, and the bytes of an image.
    Bytes { labels: usize },
}

/// A file, open for reading.
pub(super) struct Batch {
    pub(super) file: PathBuf,
    /// Size of the file in bytes.
    pub(super) size: u64,
    pub(super) labels: Vec<i64>,
    /// Position in the file of the first image.
    start: u64,
    /// Distance in bytes from one image to the next.
    stride: usize,
}

impl Batch {
    /// Opens `file` and reads its labels.
    pub(super) fn open(file: &Path, records: Records) -> Result<Self, DataError> {
        let size = fs::metadata(file).map_err(|source| DataError::Read { file: file.to_owned(), source })?.len();
        if size > MOST {
            return Err(content(file, format!("{} MiB, at most {} MiB are accepted", size >> 20, MOST >> 20)));
        }
        match records {
            Records::Bytes { labels } => Self::of_records(file, size, labels),
            Records::Pickle { labels } => Self::of_pickle(file, size, labels),
        }
    }

    fn of_records(file: &Path, size: u64, labels: usize) -> Result<Self, DataError> {
        let stride = labels + IMAGE;
        if size == 0 || !size.is_multiple_of(stride as u64) {
            return Err(content(file, format!("{size} bytes, expected records of {stride} bytes: it is cut off")));
        }
        let last =
            |record: u64| bytes(file, record * stride as u64 + labels as u64 - 1, 1).map(|label| i64::from(label[0]));
        let found: Result<Vec<i64>, DataError> = (0..size / stride as u64).map(last).collect();
        Ok(Self { file: file.to_owned(), size, labels: found?, start: labels as u64, stride })
    }

    fn of_pickle(file: &Path, size: u64, key: &str) -> Result<Self, DataError> {
        let pickle = Pickle::read(file).map_err(|reason| content(file, reason))?;
        let Some(Value::List(items)) = pickle.get(key) else {
            return Err(content(file, format!("no list `{key}` in it; it has: {}", pickle.keys())));
        };
        let labels: Option<Vec<i64>> =
            items.iter().map(|item| if let Value::Int(label) = item { Some((*label).max(-1)) } else { None }).collect();
        let labels = labels.ok_or_else(|| content(file, format!("`{key}` has items that are no whole numbers")))?;
        let array = pickle.array("data").map_err(|reason| content(file, reason))?;
        let expected = [labels.len() as u64, IMAGE as u64];
        if array.shape != expected || array.length != expected[0] * expected[1] || array.start + array.length > size {
            let (shape, length) = (&array.shape, array.length);
            return Err(content(
                file,
                format!("`data` has the shape {shape:?} and {length} bytes, expected {expected:?}"),
            ));
        }
        Ok(Self { file: file.to_owned(), size, labels, start: array.start, stride: IMAGE })
    }

    /// Bytes of the images in `range`, `[n, 3, 32, 32]`.
    pub(super) fn images(&self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let n = (range.end - range.start) as usize;
        // Behind the last image there are no labels.
        let size = (n * self.stride).saturating_sub(self.stride - IMAGE);
        let records = bytes(&self.file, self.start + range.start * self.stride as u64, size)?;
        Ok(records.chunks(self.stride).flat_map(|record| &record[..IMAGE]).copied().collect())
    }
}

/// Bytes `start..start + size` of `file`.
fn bytes(file: &Path, start: u64, size: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = vec![0; size];
    let read = File::open(file).and_then(|mut opened| {
        opened.seek(SeekFrom::Start(start))?;
        opened.read_exact(&mut bytes)
    });
    read.map(|()| bytes).map_err(|source| DataError::Read { file: file.to_owned(), source })
}

/// A batch that is a file and its place.
fn content(file: &Path, reason: impl Into<String>) -> DataError {
    DataError::Content { file: PathBuf::from(file), reason: reason.into() }
}
