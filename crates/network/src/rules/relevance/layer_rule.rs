//! What a rule of relevance does at one linear layer.

use std::fmt;

use tch::{TchError, Tensor};

use super::linear_map::LinearMap;

/// Least size of a denominator, as zennit has it.
pub(super) const LEAST: f64 = 1e-6;

/// A rule at a convolution or a fully connected layer.
///
/// Relevance is carried as a multiplier m of the value that it belongs to: R = y m. Then sums, poolings, arrangements and ReLUs need
/// no rule: what they do to a multiplier is what they do to a gradient. No division by a value is needed, nor one at sums.
pub trait LayerRule: fmt::Debug {
    /// Result for the input of `map`, from the multiplier `m` of the output of `map`.
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError>;

    /// Whether the rule says how much each input gets whatever its value is. It then holds only where a layer reads the images.
    fn is_first_only(&self) -> bool {
        false
    }
}

/// Result of a rule for the input of a layer.
pub enum Back {
    /// The multiplier of the input.
    Multiplier(Tensor),
    /// The relevance of the input itself.
    Relevance(Tensor),
}

/// A rule of the list.
pub struct LayerEntry {
    /// Name by which a user's composite asks for the rule.
    pub name: &'static str,
    /// Summary of the rule in a sentence.
    pub summary: &'static str,
    /// Numbers of the rule, which follow on its name, and their defaults.
    pub numbers: &'static [(&'static str, f64)],
    /// Makes the rule of its numbers.
    pub(super) make: fn(&[f64]) -> Box<dyn LayerRule>,
}
