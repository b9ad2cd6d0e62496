//! Dataset formats: where a dataset of a given name lies, and how it is read.

mod medmnist;

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sweep::config::Config;
use sweep::group::Group;

use crate::DataError;
use crate::preprocess::Pixels;

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
pub type Open = fn(file: &Path, split: &str, options: Options) -> Result<Box<dyn Source>, DataError>;

/// What a config says of how files are to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// What black and white are in images of floats; without that, nobody knows.
    pub float_range: Option<[f64; 2]>,
}

impl Options {
    /// As `config` says it.
    pub fn of(config: &Config) -> Self {
        Self { float_range: config.search_space.float_range }
    }

    /// As the images of `group` are read.
    pub fn of_group(group: &Group) -> Self {
        Self { float_range: group.float_range() }
    }
}

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
    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError>;

    /// Labels of all images. No map needs them: where they are of no use, there are none.
    fn labels(&mut self) -> Result<Labels, DataError>;

    /// Reads everything once and finds out whether it is what was written.
    fn verify(&mut self) -> Result<(), DataError>;

    /// What names the content of images and labels, and how they are read: it changes when they do.
    fn content(&self) -> Value;
}

/// Labels of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// `[n, width]`; [`NO_LABEL`] where an image has none.
    pub values: Vec<i64>,
    /// Labels an image: 1, or more for multi-label sets like `ChestMNIST`.
    pub width: usize,
    /// Why there are none at all; one sentence.
    pub missing: Option<String>,
}

/// Stands for the label of an image that has none.
pub const NO_LABEL: i64 = -1;

/// The file of dataset `flag`: the first format's whose file is there, else where it was expected.
pub fn locate(root: &Path, flag: &str, size: usize) -> Result<(PathBuf, &'static Entry), PathBuf> {
    let mut candidates = FORMATS.iter().map(|entry| ((entry.file)(root, flag, size), *entry));
    let found = candidates.clone().find(|(file, _)| file.exists());
    found.ok_or_else(|| candidates.next().map(|(file, _)| file).unwrap_or_default())
}

/// Opens `split` of `file`, which is of the format called `format`.
pub fn open(format: &str, file: &Path, split: &str, options: Options) -> Result<Box<dyn Source>, DataError> {
    let entry = FORMATS.iter().find(|entry| entry.name == format);
    let entry = entry.ok_or_else(|| DataError::UnknownFormat { name: format.to_owned() })?;
    (entry.open)(file, split, options)
}
