//! Entry of a dataset format, and what is said to open a split.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sweep::config::Config;
use sweep::group::Group;

use super::chosen::Chosen;
use super::source::Source;
use crate::DataError;

/// A dataset format.
#[derive(Debug)]
pub struct Entry {
    /// Name of the format.
    pub name: &'static str,
    /// Places where dataset `flag` at `size` pixels may lie below `root`, in the order in which they are looked at: files, or folders
    /// with everything that belongs to the dataset.
    pub places: fn(root: &Path, flag: &str, size: usize) -> Vec<PathBuf>,
    /// Whether a dataset of the format lies at a place, by the names of files.
    pub fits: fn(place: &Path) -> bool,
    /// Opens a whole split of the dataset at a place.
    pub open: Open,
}

impl Entry {
    /// Opens `split` of the dataset at `place`, and of the split the images that `options` choose.
    pub fn open(&self, place: &Path, split: &str, options: &Options) -> Result<Box<dyn Source>, DataError> {
        let all = (self.open)(place, split, options)?;
        match &options.indices {
            Some(indices) => Chosen::of(all, indices, (place, split)).map(|chosen| Box::new(chosen) as Box<dyn Source>),
            None => Ok(all),
        }
    }
}

/// Function that opens the whole of `split` of the dataset at `place`, with whichever files that takes.
pub type Open = fn(place: &Path, split: &str, options: &Options) -> Result<Box<dyn Source>, DataError>;

/// Choices of a config on how a dataset is to be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Height and width in pixels that images are to have once they are preprocessed; 0 for any.
    pub size: usize,
    /// Values of black and white in images of floats. Without them, floats are refused by formats that do not say their range.
    pub float_range: Option<[f64; 2]>,
    /// Indices of the images that are taken of the split, in their order; `None` for all.
    pub indices: Option<Arc<[u64]>>,
}

impl Options {
    /// Options of `config`.
    pub fn of(config: &Config) -> Self {
        Self {
            size: config.search_space.image_size,
            float_range: config.search_space.float_range,
            indices: config.settings.indices.clone(),
        }
    }

    /// Options for the images of `group`.
    pub fn of_group(group: &Group) -> Self {
        Self { size: group.shape[1], float_range: group.float_range(), indices: group.chosen().map(Into::into) }
    }

    /// Options for the masks of the images of `group`: floats are from 0 to 1, whatever the images are. Those of a base may be chosen
    /// images of the split, whose masks are chosen alike.
    pub fn of_masks(group: &Group) -> Self {
        let of_base = || Some(group.input.data.get("original_indices")?.as_array()?.len());
        // All that are chosen, also beyond the limit of the sweep: what is read stays the same while a store grows.
        let count = group.chosen().map(|chosen| chosen.len()).or_else(of_base);
        let indices = count.map(|count| (0..count as u64).map(|at| group.original(at)).collect::<Vec<u64>>().into());
        Self { float_range: Some([0.0, 1.0]), indices, ..Self::of_group(group) }
    }
}

/// `name` without case and separators, by which folders of other programs are found.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
