//! The store of a group: the arrays that it has, shards written whole, and what is missing.
//!
//! The store is the ledger of a sweep: a shard in the store is done, a missing shard is to do. A file gets its name after
//! `fsync` only, so that no half-written file is ever read. The scheduler alone writes metadata; workers write shards, each in a file
//! of its own, and notes of what computes them, so that no lock is needed.
//!
//! | where | what |
//! |---|---|
//! | [`families`] | table of the arrays of a store |
//! | [`formats`] | store formats: where a store lies, and how it is read |
//! | `metadata` | metadata of the arrays and of the root: made, extended, compared with a config, read back |
//! | `shards` | values of shards: encoded, written, read, within bounds of memory |
//! | [`Ledger`] | shards that are done |
//! | [`packed`] | stores in a zip |
//! | [`export`] | stores, or parts of them, in the forms of other programs |
//! | `tensors` | stores as folders of tensors |
//! | `summaries` | numbers over many images: mean images, accuracy, completeness |
//! | [`verify`] | everything read back and checked |

mod error;
pub mod export;
pub mod families;
pub mod formats;
mod ledger;
mod metadata;
pub mod packed;
mod shards;
mod summaries;
mod tensors;
pub mod verify;

pub use error::StoreError;
pub use families::{attribution, convergence_delta, measurement, name, score, underflow};
pub use formats::{FORMATS, Reader, describe, exists, theirs};
pub use ledger::Ledger;
pub use metadata::{Described, Facts, LAYERS, Labels, SUFFIX, create, finish, grow, inspect};
pub use shards::{Data, Encoded, Encoder, Narrowed, OpenShard, Shards, Unrounded, lost, narrow, widened};
pub use summaries::{Accuracy, Completeness, predicted, write_means};
pub use tensors::link_for_scripts;
