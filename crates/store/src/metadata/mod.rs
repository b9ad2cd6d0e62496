//! Metadata of a store: `zarr.json` of its arrays and of its root.

pub(crate) mod array_metadata;
pub(crate) mod computed_by;
pub(crate) mod create;
pub(crate) mod describe;
mod facts;
mod grow;
mod inspect;
pub(crate) mod reopen;
pub(crate) mod root;
pub(crate) mod seal;
pub(crate) mod unfinished;

pub use array_metadata::Labels;
pub use create::{create, finish};
pub use describe::Described;
pub(crate) use describe::describe;
pub use facts::{Facts, LAYERS, SUFFIX};
pub use grow::grow;
pub use inspect::inspect;
