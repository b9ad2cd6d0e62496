//! Whose definition of a method is followed where the two differ.

use serde::{Deserialize, Serialize};

/// Definition of a method that is followed where papers and Captum differ.
///
/// The meaning of each is in [`Semantics::meaning`], from where texts take it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// The papers'.
    #[default]
    Exact,
    /// Captum's, on models as they are.
    Captum,
    /// Captum's, on models whose functional ReLUs were replaced by modules.
    CaptumPatched,
}

/// The words of a config.
pub const WORDS: &[(&str, Semantics)] =
    &[("exact", Semantics::Exact), ("captum", Semantics::Captum), ("captum_patched", Semantics::CaptumPatched)];

impl Semantics {
    /// Meaning of the semantics, in a sentence or a few.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Exact => "What the papers define, on any model as it is.",
            Self::Captum => {
                "What Captum 0.9 computes on torchvision's models as they are. DeepLIFT takes the plain gradient at a \
                 max pool that is fed by a ReLU, at products, and at functions that Captum has no hook for. A \
                 functional ReLU (DenseNet's last) keeps its plain gradient in guided backpropagation, deconvolution \
                 and DeepLIFT. Integrated gradients take Captum's rounded points, and the weights of its trapezoid rule \
                 sum to (n - 1) / n. Other deviations, which show on other architectures only (hooked modules \
                 next to each other, overlapping pools without a ReLU, values read twice), are not followed."
            }
            Self::CaptumPatched => {
                "As `captum`, on a model whose functional ReLUs were replaced by modules: what scripts compute that \
                 replace DenseNet's last ReLU, because Captum has no hook for a function."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_and_stores_use_the_same_words() {
        for (word, semantics) in WORDS {
            assert_eq!(serde_json::to_value(semantics).ok(), Some((*word).into()));
        }
    }
}
