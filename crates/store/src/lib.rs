//! The Zarr v3 store of a group: its schema, shards written whole, and what is missing.
//!
//! The store is the ledger of a sweep: a shard that is there is done, one that is not is to do.
//! Names are final only after `fsync`, so nothing half-written is ever read. The scheduler alone
//! writes metadata; workers write shards only, each a file of its own, so nobody needs a lock.

mod accuracy;
mod completeness;
mod create;
mod describe;
mod error;
mod grow;
mod guard;
mod half_precision;
mod inspect;
mod layout;
mod ledger;
mod means;
mod pieces;
mod root;
mod seal;
mod shards;
pub mod verify;

pub use accuracy::Accuracy;
pub use completeness::Completeness;
pub use create::{Facts, LAYERS, create, finish, note};
pub use describe::{Described, describe};
pub use error::StoreError;
pub use grow::grow;
pub use half_precision::{Narrowed, narrow};
pub use inspect::inspect;
pub use layout::{Labels, arrays, attribution, convergence_delta, underflow};
pub use ledger::Ledger;
pub use means::write_means;
pub use pieces::{Encoded, Encoder, OpenShard};
pub use shards::{Data, Shards};

/// Names of the arrays that every store has.
pub mod name {
    /// Images as the model saw them, `[N, C, H, W]`.
    pub const IMAGES: &str = "images";
    /// Labels, `[N]`, or `[N, L]` of a multi-label set.
    pub const LABELS: &str = "labels";
    /// Logits, `[N, K]`.
    pub const PREDICTIONS: &str = "model_predictions";
    /// Index of each image in its split, `[N]`.
    pub const INDICES: &str = "original_indices";
}
