//! Findings of a check, and what the store is compared with.

use std::path::PathBuf;

/// Fault of one file of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path of the file.
    pub file: PathBuf,
    /// Fault of the file.
    pub fault: Fault,
}

/// Fault of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The file does not exist, or does not exist yet.
    Absent,
    /// The file exists and must not be used, for the reason in this sentence.
    Unsound(String),
}

/// Labels of the dataset, to compare the store with.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Number of labels of one image.
    pub width: usize,
    /// Labels of the group's images, `[n, width]`.
    pub labels: Vec<i64>,
}

/// Findings in one store.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Faults, sorted by file.
    pub findings: Vec<Finding>,
    /// Number of files that were read and are sound.
    pub sound: u64,
    /// Files in the store that no run has written.
    pub strangers: Vec<PathBuf>,
}

/// A file that is to be read: a shard of an array.
pub(super) struct Item<'a> {
    pub(super) array: &'a str,
    pub(super) shard: u64,
}
