//! Mean image of a dataset: found, or to be computed.

use std::path::PathBuf;

use sweep::preprocessing::Normalize;

use super::compute::compute;
use super::error::MeanError;
use super::file::{read, write};
use super::mean_image::Mean;
use super::place::Place;
use crate::DataError;
use crate::formats::{Entry, Options, Source};

/// Split whose mean stands for the dataset, as in the reference scripts.
pub const SPLIT: &str = "train";

/// Mean image of a dataset, or the work that computes it.
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
    images: PathBuf,
    format: &'static Entry,
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

impl Job {
    /// Job that computes the mean image at `place`, whether or not one exists. The images of the dataset must exist.
    pub fn new(
        place: Place<'_>,
        (images, format): &(PathBuf, &'static Entry),
        options: &Options,
    ) -> Result<Self, MeanError> {
        // Whichever images of other splits a config chooses, a mean image stands for the whole split.
        let options = Options { indices: None, ..options.clone() };
        let normalize = place.normalize.cloned();
        let job = Self { file: place.file(), images: images.clone(), format, options, normalize };
        job.source()?;
        Ok(job)
    }

    /// Computes the mean image and writes it. Returns the mean image with the number of images.
    pub fn run(&self) -> Result<(Mean, u64), MeanError> {
        let mut source = self.source()?;
        let preprocessing = source.preprocessing().normalized(self.normalize.as_ref());
        let mean = compute(source.as_mut(), &preprocessing).map_err(unusable)?;
        write(&self.file, &mean)?;
        Ok((mean, source.len()))
    }

    fn source(&self) -> Result<Box<dyn Source>, MeanError> {
        let source = self.format.open(&self.images, SPLIT, &self.options).map_err(unusable)?;
        let (file, found) = (self.images.clone(), source.shape());
        let size = self.options.size;
        if source.is_empty() {
            return Err(MeanError::Empty { split: SPLIT, file });
        }
        if source.preprocessing().size([found[0], found[1]]) != [size; 2] {
            return Err(MeanError::Size { split: SPLIT, file, found, size });
        }
        Ok(source)
    }
}

fn unusable(source: DataError) -> MeanError {
    MeanError::Images { split: SPLIT, source }
}
