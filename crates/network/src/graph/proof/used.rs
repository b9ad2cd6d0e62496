//! What passes are made for: each is proved by itself.

use std::fmt;

use sweep::semantics::Semantics;

use crate::graph::Rule;
use crate::graph::forward::Keep;

/// What a pass is made for, each by kernels of its own. What only some methods make of the weights is made for none but these.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) enum Use {
    /// Logits, keeping this much.
    Forward(Keep),
    /// A pass backward by this rule.
    Backward(Rule),
    /// `DeepLIFT`'s.
    Multipliers(Semantics),
}

impl Use {
    pub(super) fn keep(self) -> Keep {
        match self {
            Self::Forward(Keep::Trace(_)) | Self::Backward(_) => Keep::Trace(None),
            Self::Forward(keep) => keep,
            Self::Multipliers(_) => Keep::Values,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(Keep::Logits) => f.write_str("forward"),
            Self::Forward(Keep::Trace(_)) => f.write_str("forward (traced)"),
            Self::Forward(Keep::Values) => f.write_str("forward (compared)"),
            Self::Backward(Rule::GRADIENT) => f.write_str("backward"),
            Self::Backward(Rule { masked, rectified, reaches_functions }) => {
                write!(f, "backward (masked {masked}, rectified {rectified}, functions {reaches_functions})")
            }
            Self::Multipliers(semantics) => write!(f, "multipliers ({semantics:?})"),
        }
    }
}
