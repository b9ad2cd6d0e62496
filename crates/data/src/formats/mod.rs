//! Dataset formats: where a dataset of a given name lies, and how it is read.
//!
//! A format is one file here and one line in [`FORMATS`]. It opens whatever it needs: one archive or several files, pixels that
//! are bytes or floats, images that are still to be scaled.

mod base;
mod chosen;
mod cifar;
mod entry;
mod idx;
mod image_folder;
mod medmnist;
mod npy;
mod source;
mod zarr;

use std::path::{Path, PathBuf};

use crate::DataError;

pub use base::{Facts as BaseFacts, facts as base_facts};
/// Name of the format of stores whose images, labels and predictions are taken.
pub const BASE: &str = base::ENTRY.name;

pub use entry::{Entry, Open, Options};
pub use source::{Labels, NO_LABEL, Source};

/// Every dataset format, in the order in which they are tried.
pub const FORMATS: Formats = Formats(&[
    &medmnist::ENTRY,
    &zarr::ENTRY,
    &npy::ENTRY,
    &cifar::ENTRY,
    &idx::ENTRY,
    &base::ENTRY,
    // The last one: folders of splits are told by their names alone.
    &image_folder::ENTRY,
]);

/// A list of dataset formats.
#[derive(Clone, Copy, Debug)]
pub struct Formats(pub &'static [&'static Entry]);

impl Formats {
    /// Place of dataset `flag` and its format: the first format in which the dataset exists. The error is the place where the
    /// dataset was expected.
    pub fn locate(self, root: &Path, flag: &str, size: usize) -> Result<(PathBuf, &'static Entry), PathBuf> {
        let places =
            |entry: &'static Entry| (entry.places)(root, flag, size).into_iter().map(move |place| (place, entry));
        let mut candidates = self.0.iter().copied().flat_map(places);
        let expected = candidates.clone().next();
        let found = candidates.find(|(place, entry)| (entry.fits)(place));
        found.ok_or_else(|| expected.map(|(place, _)| place).unwrap_or_default())
    }

    /// Opens `split` of the dataset at `place`, which is of the format called `format`.
    pub fn open(
        self,
        format: &str,
        place: &Path,
        split: &str,
        options: &Options,
    ) -> Result<Box<dyn Source>, DataError> {
        let entry = self.0.iter().find(|entry| entry.name == format);
        let entry = entry.ok_or_else(|| DataError::UnknownFormat { name: format.to_owned() })?;
        entry.open(place, split, options)
    }
}

/// Place of dataset `flag` below `root` and its format ([`Formats::locate`]), or else `root`, if it is a Zarr itself: what
/// `paths.input_zarr_path` names. Whoever has a config asks [`place`](crate::datasets::place), which knows what the root is.
pub fn locate(root: &Path, flag: &str, size: usize) -> Result<(PathBuf, &'static Entry), PathBuf> {
    FORMATS.locate(root, flag, size).or_else(|expected| zarr_at(root).ok_or(expected))
}

/// The store called `name` in `folder`, whose images, labels and predictions are to be taken; the error is the place where it was
/// expected.
pub(crate) fn base_in(folder: &Path, name: &str) -> Result<(PathBuf, &'static Entry), PathBuf> {
    let places = zarr::SUFFIXES.map(|suffix| folder.join(format!("{name}{suffix}")));
    let found = places.iter().find(|place| zarr::is_store(place));
    found.map(|place| (place.clone(), &base::ENTRY)).ok_or_else(|| places[0].clone())
}

/// The Zarr at `place`; `None` if there is none.
pub(crate) fn zarr_at(place: &Path) -> Option<(PathBuf, &'static Entry)> {
    (zarr::ENTRY.fits)(place).then(|| (place.to_owned(), &zarr::ENTRY))
}

/// Opens `split` of the dataset at `place`, which is of the format called `format` ([`Formats::open`]).
pub fn open(format: &str, place: &Path, split: &str, options: &Options) -> Result<Box<dyn Source>, DataError> {
    FORMATS.open(format, place, split, options)
}
