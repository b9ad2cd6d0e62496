//! Answers of the search.

use sweep::memory::{Bound, Line};

/// The next step of a search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Measure a batch of this many images.
    Measure(usize),
    /// The batch is found.
    Found(Found),
    /// One image does not fit.
    NoRoom,
}

/// The batch that was found, and the memory and the speed of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) batch: usize,
    pub(crate) bound: Bound,
    pub(crate) line: Line,
    pub(crate) rate: f64,
}
