//! Stores of folders: found, counted, and read image by image.

mod cache;
mod cells;
mod find;
mod gallery;
mod samples;
mod scan;
pub(crate) mod scores;

pub use cells::Marks;
pub(crate) use gallery::{Gallery, Numbers};
pub(crate) use samples::Wanted;
pub(crate) use scan::{Scan, Scanner, Seen};
