//! Index of a shard: where its chunks lie.

/// Index of the shard that was read last: offset and length in bytes of each chunk inside.
#[derive(Debug)]
pub(super) struct ShardIndex {
    /// Key of the shard.
    pub(super) key: String,
    /// Places of the chunks.
    pub(super) places: Vec<(u64, u64)>,
}
