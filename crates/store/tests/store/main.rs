//! A store's life: made, written shard by shard, gone on with, extended, refused.

#[path = "../common/mod.rs"]
mod common;
mod making;
mod refusals;
mod shards;
