//! Purposes of passes: what a forward pass keeps, and which backward pass follows.

use std::fmt;

use crate::graph::Id;
use crate::graph::rule::Rule;

/// Values that a forward pass keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'a> {
    /// The logits alone.
    Logits,
    /// The values that plain backward passes need, and the value of one layer.
    Trace(Option<Id>),
    /// The values that backward passes by this rule need, with those that its steps read.
    For(&'a dyn Rule),
}

/// The purpose of a pass. Passes of each purpose run kernels of their own, and are proved by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use<'a> {
    /// Logits, and the values that the pass keeps.
    Forward(Keep<'a>),
    /// A pass backward by this rule.
    Backward(&'a dyn Rule),
}

impl<'a> Use<'a> {
    /// Values that the forward pass for this purpose keeps.
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
