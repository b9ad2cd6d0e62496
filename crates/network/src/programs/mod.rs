//! Programs of `torch.export` (`.pt2`): a user's own architecture as a graph, without writing Rust.
//!
//! The archive says what the program does as data: nodes that call `ATen` operators, and weights as raw
//! bytes. Each operation's file says which operators become it and reads their arguments; what
//! depends on no image is computed while loading. Nothing is unpickled and nothing is executed.

mod call;
mod dry_run;
mod entry;
mod error;
mod file;
mod importer;
mod interface;
mod nodes;
mod sizes;
mod state;
mod value;

use std::path::Path;

use tch::{Device, Kind};

use crate::NetworkError;
use crate::graph::Graph;

pub(crate) use call::Call;
pub(crate) use call::argument::ElementType;
pub(crate) use call::bounds::{MOST, Windows};
pub use entry::Entry;
pub use error::ExportError;
pub(crate) use value::Value;

/// The program in `file`, computing on a device in a type, of the operations in the list `operators`.
pub(crate) fn open(file: &Path, placed: (Device, Kind), operators: &[&Entry]) -> Result<Graph, NetworkError> {
    let graph = file::archive::Archive::open(file).and_then(|archive| importer::import(archive, placed, operators));
    graph.map_err(|reason| NetworkError::Program { file: file.to_owned(), reason: Box::new(reason) })
}
