//! Reasons for which a store cannot be used.

use std::io;
use std::path::PathBuf;

use files::FileError;

/// Reason for which a store cannot be used. Trying again helps once a person has freed or mended the disk.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum StoreError {
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file that was written whole and changed since. Nothing but this file is lost.
    #[error("`{}` is not usable: {reason}; delete it, and the same command makes it anew", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// A store without a root or a copy of it: nothing says what the shards were computed from.
    #[error("`{}` is not usable: {reason}; nothing says any more what the store was made of: bring a copy back, or move it away", path.display())]
    Headless { path: PathBuf, reason: String },
    #[error("`{}` was not written by attrisweep; move it away, or choose another final_output_dir", path.display())]
    Foreign { path: PathBuf },
    /// A store of other scripts with the same layout.
    #[error("`{}` is a Zarr store of another program: it is left alone, and its group is not computed; `scheduler adopt` checks it and has what it lacks written beside, or move it away to have its group computed", path.display())]
    Theirs { path: PathBuf },
    /// A folder of tensors of other scripts.
    #[error("`{}` is a store of another program, a folder of tensors: it is left alone, and its group is not computed; `scheduler adopt` checks it and has what it lacks written beside, or move it away to have its group computed", path.display())]
    TheirTensors { path: PathBuf },
    /// A store that was packed into a zip, as the reference scripts do.
    #[error("`{}` is a Zarr store in a zip: it is left alone, and its group is not computed; `scheduler adopt` checks it and has what it lacks written beside, or unpack it, or move it away to have its group computed", path.display())]
    Packed { path: PathBuf },
    #[error("`{}` is there and is not a store that attrisweep packed; move it away, or choose another folder", path.display())]
    InTheWay { path: PathBuf },
    #[error("`{}` is there already; move it away, or choose another folder", path.display())]
    Occupied { path: PathBuf },
    #[error("`{}` has no {what}", path.display())]
    NothingSelected { path: PathBuf, what: String },
    /// A run goes on with a store that is being read. Trying again helps once the run has ended.
    #[error("`{}` was changed while it was packed; try again once the sweep has ended", path.display())]
    Changing { path: PathBuf },
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
