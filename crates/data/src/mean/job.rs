//! Mean image of a dataset or a group: found, or to be computed.

use std::path::{Path, PathBuf};

use sweep::group::Group;
use sweep::preprocessing::Normalize;

use super::compute::compute;
use super::error::MeanError;
use super::file::{read, write};
use super::mean_image::Mean;
use super::of_group;
use super::place::{self, Place};
use crate::DataError;
use crate::formats::{Entry, Options, Source};

/// Split whose mean stands for the dataset where nothing says otherwise, as in the reference scripts.
pub const SPLIT: &str = "train";

/// Mean image, or the work that computes it.
#[derive(Debug)]
pub enum Found {
    /// A mean image that exists and fits the images.
    There(Mean),
    /// A mean image that is to be computed.
    Missing(Job),
}

/// Mean image that is to be computed.
#[derive(Clone, Debug)]
pub struct Job {
    /// File that the mean image is written to.
    pub file: PathBuf,
    of: Of,
}

/// Images whose mean is to be computed.
#[derive(Clone, Debug)]
enum Of {
    Split(OfSplit),
    Group(Box<Group>),
}

/// Images of a split, without noise.
#[derive(Clone, Debug)]
struct OfSplit {
    images: PathBuf,
    format: &'static Entry,
    split: &'static str,
    options: Options,
    normalize: Option<Normalize>,
}

/// Looks for the mean image at `place`, for images as `options` want them.
pub fn find(place: Place<'_>, dataset: &(PathBuf, &'static Entry), options: &Options) -> Result<Found, MeanError> {
    let file = place.file();
    if !file.exists() {
        return Job::new(place, dataset, options).map(Found::Missing);
    }
    let mean = read(&file)?;
    match mean.expanded([mean.shape[0], options.size, options.size]) {
        Ok(_) => Ok(Found::There(mean)),
        Err(misfit) => Err(MeanError::Content { file, reason: misfit.to_string() }),
    }
}

/// Looks in `folder` for the mean image of the images of `group`, with their noise.
pub fn find_of_group(folder: &Path, group: &Group) -> Result<Found, MeanError> {
    let file = place::of_group(folder, group);
    if file.exists() { read(&file).map(Found::There) } else { Job::of_group(folder, group).map(Found::Missing) }
}

impl Job {
    /// Job that computes the mean image at `place`, whether or not one exists. The images of the dataset must exist.
    pub fn new(
        place: Place<'_>,
        (images, format): &(PathBuf, &'static Entry),
        options: &Options,
    ) -> Result<Self, MeanError> {
        // Whichever images of other splits a config chooses, a mean image stands for the whole split.
        let options = Options { indices: None, ..options.clone() };
        let (normalize, split) = (place.normalize.cloned(), place.split);
        let of = OfSplit { images: images.clone(), format, split, options, normalize };
        of.source()?;
        Ok(Self { file: place.own(), of: Of::Split(of) })
    }

    /// Job that computes the mean image of the images of `group` and writes it into `folder`. The images must exist.
    pub fn of_group(folder: &Path, group: &Group) -> Result<Self, MeanError> {
        of_group::open(group)?;
        Ok(Self { file: place::of_group(folder, group), of: Of::Group(Box::new(group.clone())) })
    }

    /// Computes the mean image and writes it. Returns the mean image with the number of images.
    pub fn run(&self) -> Result<(Mean, u64), MeanError> {
        let (mean, images) = match &self.of {
            Of::Split(of) => of.compute()?,
            Of::Group(group) => (of_group::compute(group)?, group.images),
        };
        write(&self.file, &mean)?;
        Ok((mean, images))
    }
}

impl OfSplit {
    fn compute(&self) -> Result<(Mean, u64), MeanError> {
        let mut source = self.source()?;
        let preprocessing = source.preprocessing().normalized(self.normalize.as_ref());
        let mean = compute(source.as_mut(), &preprocessing).map_err(|source| self.unusable(source))?;
        Ok((mean, source.len()))
    }

    fn source(&self) -> Result<Box<dyn Source>, MeanError> {
        let source = self.format.open(&self.images, self.split, &self.options);
        let source = source.map_err(|source| self.unusable(source))?;
        let (file, found, split) = (self.images.clone(), source.shape(), self.split.to_owned());
        let size = self.options.size;
        if source.is_empty() {
            return Err(MeanError::Empty { split, file });
        }
        if source.preprocessing().size([found[0], found[1]]) != [size; 2] {
            return Err(MeanError::Size { split, file, found, size });
        }
        Ok(source)
    }

    fn unusable(&self, source: DataError) -> MeanError {
        MeanError::Images { split: self.split.to_owned(), source }
    }
}
