//! Mean image of a dataset: found, or to be computed.

use std::path::{Path, PathBuf};

use super::compute::compute;
use super::error::MeanError;
use super::file::{read, write};
use super::mean_image::Mean;
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
}

/// Looks for the mean image of `flag` in `folder`, for images as `options` want them.
pub fn find(
    folder: &Path,
    flag: &str,
    dataset: &(PathBuf, &'static Entry),
    options: Options,
) -> Result<Found, MeanError> {
    let file = file(folder, flag);
    if !file.exists() {
        return Job::new(folder, flag, dataset, options).map(Found::Missing);
    }
    let mean = read(&file)?;
    match mean.expanded([mean.shape[0], options.size, options.size]) {
        Ok(_) => Ok(Found::There(mean)),
        Err(misfit) => Err(MeanError::Content { file, reason: misfit.to_string() }),
    }
}

/// Path of the mean image of `flag` in `folder`.
pub fn file(folder: &Path, flag: &str) -> PathBuf {
    folder.join(format!("{flag}_mean.pt"))
}

impl Job {
    /// Job that computes the mean image of `flag`, whether or not one exists. The images of the dataset must exist.
    pub fn new(
        folder: &Path,
        flag: &str,
        (images, format): &(PathBuf, &'static Entry),
        options: Options,
    ) -> Result<Self, MeanError> {
        let job = Self { file: file(folder, flag), images: images.clone(), format, options };
        job.source()?;
        Ok(job)
    }

    /// Computes the mean image and writes it. Returns the mean image with the number of images.
    pub fn run(&self) -> Result<(Mean, u64), MeanError> {
        let mut source = self.source()?;
        let mean = compute(source.as_mut()).map_err(unusable)?;
        write(&self.file, &mean)?;
        Ok((mean, source.len()))
    }

    fn source(&self) -> Result<Box<dyn Source>, MeanError> {
        let source = (self.format.open)(&self.images, SPLIT, self.options).map_err(unusable)?;
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
