//! YAML with positions: a tree whose every node knows its line, and typed reading of it.

mod expand;
mod fields;
mod node;
pub mod read;

pub use fields::Fields;
pub use node::{Node, Value, parse};
