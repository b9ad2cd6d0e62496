//! Reasons for which a file cannot be read or written.

use std::io;
use std::path::PathBuf;

/// Reason for which a file cannot be read or written. Trying again helps once the disk has room or is back.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum FileError {
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl FileError {
    /// The operating system's error.
    pub fn into_source(self) -> io::Error {
        match self {
            Self::Write { source, .. } | Self::Read { source, .. } => source,
        }
    }
}
