//! What a rule of relevance does at one linear layer, and the list of such rules.

use std::fmt;

use tch::{TchError, Tensor};

use super::linear_map::LinearMap;
use super::{alpha_beta, epsilon, flat, gamma, w_square, z_box, z_plus};

/// Least size of a denominator, as zennit has it.
pub(super) const LEAST: f64 = 1e-6;

/// A rule at a convolution or a fully connected layer.
///
/// Relevance is carried as a multiplier m of the value that it belongs to: R = y m. Then sums, poolings, arrangements and ReLUs need
/// no rule: what they do to a multiplier is what they do to a gradient. No division by a value is needed, nor one at sums.
pub trait LayerRule: fmt::Debug {
    /// What goes back to the input of `map`, from the multiplier `m` of its output.
    fn back(&self, map: &LinearMap<'_>, m: &Tensor) -> Result<Back, TchError>;

    /// Whether the rule says how much each input gets whatever its value is. It then holds only where a layer reads the images.
    fn is_first_only(&self) -> bool {
        false
    }
}

/// What a rule gives back to the input of a layer.
pub enum Back {
    /// The multiplier of the input.
    Multiplier(Tensor),
    /// The relevance of the input itself.
    Relevance(Tensor),
}

/// A rule of the list.
pub struct LayerEntry {
    /// Name by which a user's composite asks for it.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its numbers, which follow on the name, and their defaults.
    pub numbers: &'static [(&'static str, f64)],
    /// Makes the rule of so many numbers.
    pub(super) make: fn(&[f64]) -> Box<dyn LayerRule>,
}

/// Every rule at a linear layer.
pub const LAYER_RULES: &[&LayerEntry] = &[
    &epsilon::ENTRY,
    &gamma::ENTRY,
    &z_plus::ENTRY,
    &alpha_beta::ENTRY,
    &flat::ENTRY,
    &w_square::ENTRY,
    &z_box::ENTRY,
];

/// Makes the rule that `text` names, `gamma 0.25`; or says what is wrong.
pub fn layer_rule(text: &str) -> Result<Box<dyn LayerRule>, String> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let known = || LAYER_RULES.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ");
    let entry = LAYER_RULES.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| format!("unknown rule `{name}`, expected one of {}", known()))?;
    let given =
        words.map(|word| word.parse::<f64>().ok().filter(|number| number.is_finite())).collect::<Option<Vec<_>>>();
    let given = given.filter(|given| given.len() <= entry.numbers.len());
    let names =
        || entry.numbers.iter().map(|(name, default)| format!("{name} ({default})")).collect::<Vec<_>>().join(", ");
    let expected = || match entry.numbers {
        [] => format!("`{text}`: `{name}` takes no numbers"),
        _ => format!("`{text}`: `{name}` takes up to {} numbers: {}", entry.numbers.len(), names()),
    };
    let given = given.ok_or_else(expected)?;
    let numbers: Vec<f64> =
        entry.numbers.iter().enumerate().map(|(at, (_, default))| given.get(at).copied().unwrap_or(*default)).collect();
    Ok((entry.make)(&numbers))
}
