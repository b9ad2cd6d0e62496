//! What a rule's file says of itself.

use crate::graph::Rule;

/// A rule of backward passes.
pub struct Entry {
    /// Name of the rule.
    pub name: &'static str,
    /// What the rule does, in one sentence.
    pub summary: &'static str,
    /// The rule with every choice of its parameters.
    pub choices: fn() -> Vec<Box<dyn Rule>>,
}
