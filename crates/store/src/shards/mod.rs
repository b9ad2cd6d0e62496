//! Shards: the values of a run of images of one array, in a file of their own.

mod file_names;
mod half_precision;
mod image_chunks;
mod open_shard;
mod opened;
mod reading;
mod shard_files;
mod size_limits;
mod values;

pub(crate) use file_names::{file_name, present};
pub use half_precision::{Narrowed, Unrounded, lost, narrow, widened};
pub use open_shard::{Encoded, Encoder, OpenShard};
pub use shard_files::Shards;
pub use values::Data;
