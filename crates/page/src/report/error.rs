//! Errors of a report.

use std::path::PathBuf;

use pictures::PictureError;

/// Reason for which there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A folder without stores.
    #[error("`{}` has no store, expected a folder that a sweep wrote into", folder.display())]
    NoStores {
        /// The folder.
        folder: PathBuf,
    },
    /// File or folder at the place of the report that is no report.
    #[error("`{}` is there and is no report of attrisweep; it is left as it is, choose another place (--to)", place.display())]
    Taken {
        /// The place.
        place: PathBuf,
    },
    /// A report too large for one file.
    #[error(
        "a report in one file would have more than {} MB, and {most} MB at most can be shown without trouble; write a folder or a zip, or ask for fewer images (--images)",
        bytes / 1_000_000
    )]
    Large {
        /// Bytes when writing was given up.
        bytes: u64,
        /// Megabytes at most.
        most: u64,
    },
    /// A place that cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The place.
        path: PathBuf,
        /// Message of the system.
        source: std::io::Error,
    },
    /// A zip that cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Zip {
        /// The place.
        path: PathBuf,
        /// Reason, in one sentence.
        source: zip::result::ZipError,
    },
    /// A figure that cannot be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
}
