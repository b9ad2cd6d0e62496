//! Arrays of Zarr, version 2 and 3, as zarr-python and xarray write them: folders and zips, read in bounded memory.
//!
//! Sizes in metadata, in shards and in compressed chunks are compared with what is expected before memory is taken for them. What
//! is not understood is refused by name.

mod array;
mod copy;
mod metadata;
mod packers;
mod pieces;
mod shard_index;
mod storage;

pub(crate) use array::Array;
pub(crate) use storage::Storage;

#[cfg(test)]
mod tests;
