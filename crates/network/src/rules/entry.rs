//! Entry of a rule in the list of rules.

use crate::graph::Rule;

/// A rule of backward passes.
pub struct Entry {
    /// Name of the rule.
    pub name: &'static str,
    /// The rule in one sentence.
    pub summary: &'static str,
    /// The rule with every choice of its parameters.
    pub choices: fn() -> Vec<Box<dyn Rule>>,
}
