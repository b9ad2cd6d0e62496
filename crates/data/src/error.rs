//! Reasons for which a dataset cannot be read.

use std::io;
use std::path::PathBuf;

/// Reason for which a dataset cannot be read. Trying again helps with [`DataError::Read`] only.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum DataError {
    #[error("cannot read `{}`", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("`{}` is not a readable .npz archive (truncated or not a zip): {reason}", file.display())]
    Archive { file: PathBuf, reason: String },
    #[error("`{}` is no zip that can be read: {reason}", file.display())]
    Zip { file: PathBuf, reason: String },
    #[error("`{}`: {reason}", file.display())]
    Content { file: PathBuf, reason: String },
    #[error("`{}` has no member `{member}`; it has: {has}", file.display())]
    Member { file: PathBuf, member: String, has: String },
    #[error("`{}`, member `{member}`: {reason}", file.display())]
    Format { file: PathBuf, member: String, reason: String },
    #[error("dataset format `{name}` is not known to this build")]
    UnknownFormat { name: String },
    #[error("images have {found} channels and the model takes {wanted}")]
    Channels { found: usize, wanted: usize },
}
