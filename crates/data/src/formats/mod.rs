//! Dataset formats: where a dataset of a given name lies, and how it is read.

mod medmnist;

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::DataError;

/// Every format, in the order in which they are tried.
pub const FORMATS: &[&Entry] = &[&medmnist::ENTRY];

/// A dataset format.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The file that holds dataset `flag` at `size` pixels below `root`.
    pub file: fn(root: &Path, flag: &str, size: usize) -> PathBuf,
    /// Opens `split` of `file`.
    pub open: Open,
}

/// Opens a split of a file.
pub type Open = fn(file: &Path, split: &str) -> Result<Box<dyn Source>, DataError>;

/// One split of one dataset.
pub trait Source: Send {
    /// Number of images.
    fn len(&self) -> u64;

    /// Whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[height, width, channels]`.
    fn shape(&self) -> [usize; 3];

    /// Pixels of the images in `range`, `[n, height, width, channels]`. Memory is the slice's own;
    /// slices asked for in rising order cost one pass over the file together.
    fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>, DataError>;

    /// Labels of all images.
    fn labels(&mut self) -> Result<Labels, DataError>;

    /// Reads everything once and finds out whether it is what was written.
    fn verify(&mut self) -> Result<(), DataError>;

    /// What names the content of images and labels: it changes when they do.
    fn content(&self) -> Value;
}

/// Labels of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// `[n, width]`.
    pub values: Vec<i64>,
    /// Labels an image: 1, or more for multi-label sets like `ChestMNIST`.
    pub width: usize,
}

/// The file of dataset `flag`: the first format's whose file is there, else where it was expected.
pub fn locate(root: &Path, flag: &str, size: usize) -> Result<(PathBuf, &'static Entry), PathBuf> {
    let mut candidates = FORMATS.iter().map(|entry| ((entry.file)(root, flag, size), *entry));
    let found = candidates.clone().find(|(file, _)| file.exists());
    found.ok_or_else(|| candidates.next().map(|(file, _)| file).unwrap_or_default())
}

/// Opens `split` of `file`, which is of the format called `format`.
pub fn open(format: &str, file: &Path, split: &str) -> Result<Box<dyn Source>, DataError> {
    let entry = FORMATS.iter().find(|entry| entry.name == format);
    let entry = entry.ok_or_else(|| DataError::UnknownFormat { name: format.to_owned() })?;
    (entry.open)(file, split)
}
