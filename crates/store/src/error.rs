//! Why a store cannot be used.

use std::io;
use std::path::PathBuf;

use files::FileError;

/// Why a store cannot be used. Trying again helps once the disk has been seen to, never before.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum StoreError {
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Written whole once, and changed since: nothing is lost but this file.
    #[error("`{}` is not usable: {reason}; delete it, and the same command makes it anew", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// Nothing in the store can be trusted to say what it was made of.
    #[error("`{}` is not usable: {reason}; nothing says any more what the store was made of: bring a copy back, or move it away", path.display())]
    Headless { path: PathBuf, reason: String },
    #[error("`{}` was not written by attrisweep; move it away, or choose another final_output_dir", path.display())]
    Foreign { path: PathBuf },
    /// A store of scripts that lay theirs out as we do.
    #[error("`{}` is a Zarr store of another program: it is left alone, and its group is not computed; move it away to have that done", path.display())]
    Theirs { path: PathBuf },
    #[error("`{}` was computed from something else: {}", path.display(), differences.join("; "))]
    Mismatch { path: PathBuf, differences: Vec<String> },
    #[error("cannot encode shard {shard} of `{array}`: {reason}")]
    Encode { array: String, shard: u64, reason: String },
    #[error("`{array}`: {value} at image {image} does not fit into float16; set `store: {{dtype: float32}}`")]
    TooLarge { array: String, image: u64, value: f32 },
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Write { path, source } => Self::Write { path, source },
            FileError::Read { path, source } => Self::Read { path, source },
        }
    }
}
