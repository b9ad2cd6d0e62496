//! A split that is open: its images and labels.

use std::ops::Range;

use serde_json::Value;
use sweep::preprocessing::Preprocessing;

use crate::DataError;
use crate::preprocess::Pixels;

/// A split of a dataset, open for reading.
pub trait Source: Send {
    /// Number of images.
    fn len(&self) -> u64;

    /// Whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of the images as they are stored, `[height, width, channels]`.
    fn shape(&self) -> [usize; 3];

    /// Preprocessing that the images need; that of the reference scripts, if the format says nothing else.
    fn preprocessing(&self) -> Preprocessing {
        Preprocessing::default()
    }

    /// Whether the dataset has no splits: one array of images, which is read whatever split is asked for.
    fn is_one_split(&self) -> bool {
        false
    }

    /// Pixels of the images in `range`, `[n, height, width, channels]`. The memory that reading takes goes by the range; ranges
    /// in rising order cost one pass over the file together.
    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError>;

    /// Logits `[n, classes]` of the images in `range`, of a dataset whose images were predicted before: maps explain what these logits
    /// predict. `None` for every other dataset.
    fn predictions(&mut self, _range: Range<u64>) -> Result<Option<Vec<f32>>, DataError> {
        Ok(None)
    }

    /// Labels of all images. Maps are made without labels: a split whose labels are of no use has none.
    fn labels(&mut self) -> Result<Labels, DataError>;

    /// Reads everything once and compares it with its checksums, where files have checksums of their whole content. What has none, or
    /// one for each image or chunk, is compared where it is read.
    fn verify(&mut self) -> Result<(), DataError>;

    /// Names the content of images and labels and the way in which they are read, as a mapping of keys: the value changes when any of these does. It is
    /// asked for often, and costs nothing once the split is open.
    fn content(&self) -> Value;
}

/// Labels of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// `[n, width]`; [`NO_LABEL`] where an image has none.
    pub values: Vec<i64>,
    /// Labels of one image: 1, or more for multi-label sets like `ChestMNIST`.
    pub width: usize,
    /// Reason for which no image has a label; one sentence.
    pub missing: Option<String>,
}

/// Label of an image that has none.
pub const NO_LABEL: i64 = -1;
