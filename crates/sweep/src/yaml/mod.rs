//! YAML with positions: a tree whose every node knows its line, and typed reading of it.

mod expand;
mod fields;
pub mod glob;
mod node;
pub mod problem;
pub mod read;
mod words;

pub use fields::{Fields, Places};
pub(crate) use node::found;
pub use node::{Node, Value, parse};
