//! Stores of folders: found, counted, and read image by image.

mod cache;
mod cells;
pub(crate) mod find;
mod gallery;
mod samples;
mod scan;
pub(crate) mod scores;

pub use cells::Marks;
pub(crate) use cells::done;
pub(crate) use gallery::{Gallery, Numbers};
pub(crate) use samples::{Samples, Wanted};
pub(crate) use scan::{Scan, Scanner, Seen};
