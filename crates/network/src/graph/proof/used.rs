//! What passes are made for: each is proved by itself.

use std::fmt;

use sweep::semantics::Semantics;

use crate::graph::Rule;
use crate::graph::forward::Keep;

/// What a pass is made for, each by kernels of its own.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) enum Use {
    Forward,
    /// A pass backward by this rule.
    Backward(Rule),
    /// `DeepLIFT`'s.
    Multipliers(Semantics),
}

impl Use {
    /// What a pass that keeps this much is used for at least.
    pub(in crate::graph) fn of(keep: Keep) -> Self {
        match keep {
            Keep::Logits => Self::Forward,
            Keep::Trace(_) => Self::Backward(Rule::GRADIENT),
            Keep::Values => Self::Multipliers(Semantics::Exact),
        }
    }

    pub(super) fn keep(self) -> Keep {
        match self {
            Self::Forward => Keep::Logits,
            Self::Backward(_) => Keep::Trace(None),
            Self::Multipliers(_) => Keep::Values,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward => f.write_str("forward"),
            Self::Backward(Rule::GRADIENT) => f.write_str("backward"),
            Self::Backward(Rule { masked, rectified, reaches_functions }) => {
                write!(f, "backward (masked {masked}, rectified {rectified}, functions {reaches_functions})")
            }
            Self::Multipliers(semantics) => write!(f, "multipliers ({semantics:?})"),
        }
    }
}
