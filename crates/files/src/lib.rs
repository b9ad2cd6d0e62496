//! Files that are whole or absent, whoever is killed while writing them: written under a temporary name, synced, and renamed.
//!
//! [`durable`] writes a file from bytes in memory, [`pending`] one that grows piece by piece. A writer that is killed leaves a
//! temporary file: [`leftovers`] removes those of a store, [`shared_folder`] those of a folder that several sweeps write to.
//! [`shared_json`] is for JSON that several processes read and change, [`torch`] for tensors as `torch.save` writes them.

pub mod durable;
mod error;
pub mod folders;
pub mod leftovers;
pub mod pending;
pub mod shared_folder;
pub mod shared_json;
mod temporary;
pub mod torch;

pub use error::FileError;
