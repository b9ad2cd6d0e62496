//! The words of attrisweep: from one YAML file to groups, variants and units of work.
//!
//! A *sweep* is everything that one config file asks for. A *variant* is one method with one choice
//! of its parameters, named by its *key*. A *group* is dataset x model x noise x split and has one
//! Zarr store. A *unit* is what a worker is given: one shard of one group. This crate holds those
//! words and what follows from them alone, such as the seeds of random draws and the fingerprint of a
//! group. It reads no data and knows no method by name.

pub mod catalogue;
pub mod config;
pub mod evaluation;
pub mod fingerprint;
pub mod group;
pub mod memory;
pub mod parameters;
pub mod seed;
pub mod unit;
pub mod variant;
pub mod yaml;

pub use group::{computed_by, preprocessing};
pub use memory::granted_batches;
pub use unit::unit_id;
pub use variant::semantics;
pub use yaml::{glob, problem};

/// Version of the numbers: raised whenever a computed value changes for the same config.
///
/// It is part of every fingerprint, so that one store never mixes the numbers of two versions,
/// while an upgrade that changes no number leaves half-finished stores usable.
pub const RESULTS_VERSION: u32 = 5;
