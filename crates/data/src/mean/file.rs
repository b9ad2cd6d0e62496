//! Files of mean images: one tensor each, as `torch.save` writes it.

use std::path::{Path, PathBuf};

use files::torch::{self, TensorError, TensorFile};
use files::{FileError, shared_folder};

use super::error::MeanError;
use super::mean_image::Mean;

/// Largest number of values that is accepted in a tensor or its storage: three channels of 2048x2048 pixels.
const MAX_VALUES: u64 = 3 << 22;

/// Reads a mean image that `torch.save` or [`write()`] wrote: float32 or float64, `[c, h, w]` or `[1, c, h, w]`.
pub fn read(file: &Path) -> Result<Mean, MeanError> {
    parse(file).map_err(|error| match error {
        TensorError::Read(source) => MeanError::Read { file: file.to_owned(), source },
        TensorError::Content(reason) => MeanError::Content { file: file.to_owned(), reason },
    })
}

fn parse(file: &Path) -> Result<Mean, TensorError> {
    let tensor = TensorFile::open(file)?;
    let shape = match *tensor.shape() {
        [c, h, w] | [1, c, h, w] => [c, h, w],
        ref other => return Err(format!("it has the shape {other:?}, expected [channels, height, width]").into()),
    };
    let values = tensor.values(MAX_VALUES)?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(Mean { shape: shape.map(|size| size as usize), values }),
        Some(at) => Err(format!("it holds {} (value {at}), expected finite numbers", values[at]).into()),
    }
}

/// Writes `mean` to `file` as a float32 tensor, whole or not at all.
pub fn write(file: &Path, mean: &Mean) -> Result<(), MeanError> {
    let failed = |source| MeanError::Write { file: file.to_owned(), source };
    let stem = file.file_stem().map_or_else(|| "archive".into(), |stem| stem.to_string_lossy());
    let bytes = torch::bytes(&stem, mean.shape, &mean.values).map_err(failed)?;
    shared_folder::put(file, &bytes).map_err(FileError::into_source).map_err(failed)
}

/// Temporary files of mean images in `folder`, left behind or being written, in the order of their names.
pub fn temporary_files(folder: &Path) -> Vec<PathBuf> {
    shared_folder::temporary_files(folder, is_mean)
}

/// Removes the temporary files in `folder` that processes left which have ended. Returns the removed files.
pub fn remove_leftovers(folder: &Path) -> Vec<PathBuf> {
    shared_folder::remove_leftovers(folder, is_mean)
}

/// Whether a file of this name is a mean image.
fn is_mean(name: &str) -> bool {
    name.ends_with("_mean.pt")
}

#[cfg(test)]
mod tests;
