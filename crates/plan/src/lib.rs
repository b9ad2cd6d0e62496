//! Planning: from a config to units. Everything is checked before anything is started.
//!
//! The crate serves programs that run or prepare a sweep: nothing here waits for a worker that computes.

pub mod adoption;
pub mod batches;
mod begin;
mod check;
mod checked;
pub mod exit;
mod outlook;
mod wishes;
pub mod work;

pub use batches::{Batches, profile};
pub use begin::{Plan, link};
pub use check::{Means, Theirs, check, find_weights, find_weights_of_variant};
pub use checked::{Checked, Planned};
pub use outlook::{Forecast, Outlook};
pub use wishes::Wishes;
