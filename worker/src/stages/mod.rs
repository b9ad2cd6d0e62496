//! What the three stages of a worker hand on: shards read from disk, images made of pixels, values for the store.

pub(crate) mod byte_budget;
pub(crate) mod computed;
pub(crate) mod images;
pub(crate) mod reader;
pub(crate) mod writer;
