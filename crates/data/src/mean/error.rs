//! Reasons for which a mean image cannot be read, written or computed.

use std::io;
use std::path::PathBuf;

use crate::DataError;
use crate::noise::NoiseError;

/// Reason for which a mean image cannot be read, written or computed. Trying again helps with [`MeanError::Read`] and
/// [`MeanError::Write`] only.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum MeanError {
    #[error("cannot read mean image `{}`", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("cannot write mean image `{}`", file.display())]
    Write { file: PathBuf, source: io::Error },
    #[error("mean image `{}`: {reason}", file.display())]
    Content { file: PathBuf, reason: String },
    #[error("a mean image is made of the split `{split}`, which cannot be used")]
    Images { split: String, source: DataError },
    #[error("a mean image is made of the split `{split}`, and `{}` has no image in it", file.display())]
    Empty { split: String, file: PathBuf },
    #[error(
        "a mean image is made of the split `{split}`, and `{}` has images of {}x{} px in it, expected {size}x{size}",
        file.display(), found[0], found[1]
    )]
    Size { split: String, file: PathBuf, found: [usize; 3], size: usize },
    #[error("a mean image is made of the group's own images, which cannot be used")]
    OfGroup(#[from] DataError),
    #[error("a mean image is made of the group's own images, whose noise cannot be made")]
    Noise(#[from] NoiseError),
}

impl MeanError {
    /// Message with its causes, in one line.
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Mean image that does not fit the images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has the shape {found:?}, expected {wanted:?} or what stretches to it (sizes of 1, channels that are all equal)"
)]
pub struct Misfit {
    pub(super) found: [usize; 3],
    pub(super) wanted: [usize; 3],
}
