//! The rules of backward passes: each a file, and one line in the list.
//!
//! A rule recognises an operation by its type, `step.place.operation().as_a::<Linear>()`, and has the operation's weights, and the
//! inputs and the output that the rule [`reads`](Steps::reads), in `step.kept`. For a changed weight, or for a second forward
//! pass, a rule makes another operation of the same type: its `run` is the map, and its `backward` the transpose.

pub mod attentions;
mod biases;
mod entry;
pub mod relevance;
mod relu;
mod rescale;
mod transformer_attribution;

pub use crate::graph::{Gradient, Rule, Steps};
pub use entry::Entry;
pub use relu::ReluRule;
pub use rescale::Rescale;

/// Every rule besides the plain gradient.
pub const RULES: &[&Entry] = &[&relu::ENTRY, &rescale::ENTRY];

#[cfg(test)]
mod tests;
