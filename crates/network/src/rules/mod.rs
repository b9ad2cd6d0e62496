//! The rules of backward passes: each a file, and one line in the list.
//!
//! A rule recognises an operation by its type, `step.place.operation().as_a::<Linear>()`, and has the operation's weights, and the
//! inputs and the output that the rule [`reads`](Steps::reads), in `step.kept`. For a changed weight, or for a second forward
//! pass, a rule makes another operation of the same type: its `run` is the map, and its `backward` the transpose.

mod relu;
mod rescale;

pub use crate::graph::{Gradient, Rule, Steps};
pub use relu::ReluRule;
pub use rescale::Rescale;

/// Every rule besides the plain gradient.
pub const RULES: &[&Entry] = &[&relu::ENTRY, &rescale::ENTRY];

/// A rule of backward passes.
pub struct Entry {
    /// Name of the rule.
    pub name: &'static str,
    /// What the rule does, in one sentence.
    pub summary: &'static str,
    /// The rule with every choice of its parameters.
    pub choices: fn() -> Vec<Box<dyn Rule>>,
}

#[cfg(test)]
mod tests;
