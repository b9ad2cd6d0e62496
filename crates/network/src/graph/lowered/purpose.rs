//! Purposes of passes: what a forward pass keeps, and which backward pass follows.

use std::fmt;

use crate::graph::Id;
use crate::graph::rule::Rule;

/// What a forward pass leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'a> {
    /// The logits alone.
    Logits,
    /// What backward passes need, and the value of one layer.
    Trace(Option<Id>),
    /// What backward passes by this rule need, with the values that its steps read.
    For(&'a dyn Rule),
}

/// The purpose of a pass. Passes of each purpose run kernels of their own, and are proved by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use<'a> {
    /// Logits, keeping this much.
    Forward(Keep<'a>),
    /// A pass backward by this rule.
    Backward(&'a dyn Rule),
}

impl<'a> Use<'a> {
    /// What the forward pass keeps.
    pub(crate) fn keep(self) -> Keep<'a> {
        match self {
            Self::Backward(rule) if rule.steps().is_some() => Keep::For(rule),
            Self::Forward(Keep::Trace(_)) | Self::Backward(_) => Keep::Trace(None),
            Self::Forward(keep) => keep,
        }
    }
}

impl fmt::Display for Use<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(Keep::Logits) => f.write_str("forward"),
            Self::Forward(Keep::Trace(_)) => f.write_str("forward (traced)"),
            Self::Forward(Keep::For(_)) => f.write_str("forward (compared)"),
            Self::Backward(rule) => f.write_str(&rule.name()),
        }
    }
}
