//! Datasets in: images and labels as plain arrays, preprocessing, noise and mean images. No libtorch.
//!
//! A dataset format is one file in `formats`, a kind of noise one file in `noise`, each with one
//! line in its folder's list.

mod arrays;
pub mod datasets;
mod error;
pub mod formats;
pub mod mean;
pub mod noise;
mod numpy;
mod pictures;
pub mod preprocess;
pub mod stored;
mod zarr;

use arrays::digest;
pub use error::DataError;
pub use preprocess::made;
