//! Findings of a check, and what the store is compared with.

use std::path::PathBuf;

/// What is wrong with one file of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is not there, or not there yet.
    Absent,
    /// It is there and must not be used. One sentence.
    Unsound(String),
}

/// What the dataset says about the images of a group, to compare with.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Labels an image.
    pub width: usize,
    /// Labels of the group's images, `[n, width]`.
    pub labels: Vec<i64>,
}

/// What was found in one store.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Everything that is wrong, sorted by file.
    pub findings: Vec<Finding>,
    /// Files that were read and are sound.
    pub sound: u64,
    /// Files in the store that no run has written.
    pub strangers: Vec<PathBuf>,
}

/// A file that is to be read: a shard of an array.
pub(super) struct Item<'a> {
    pub(super) array: &'a str,
    pub(super) shard: u64,
}
