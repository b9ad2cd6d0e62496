//! Composites: which rule holds at which layer.

use super::layer_rule::LayerRule;
use super::linear_map::{is_convolution, is_linear_map};
use super::rules::layer_rule;
use crate::graph::Place;

/// Layers that a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Every convolution.
    Convolutions,
    /// Every convolution that reads the images, no other layer in between.
    FirstConvolution,
    /// Every layer that reads the images, no other layer in between.
    First,
    /// Every layer.
    All,
    /// The module of this name and what is inside it; a `*` stands for any text.
    Named(String),
}

impl Pattern {
    /// Whether the layer at `place` is one of these.
    pub(super) fn fits(&self, place: Place<'_>) -> bool {
        let is_first = || place.reads_images(is_linear_map);
        match self {
            Self::Convolutions => is_convolution(place),
            Self::FirstConvolution => is_convolution(place) && is_first(),
            Self::First => is_first(),
            Self::All => true,
            Self::Named(pattern) => is_like(place.name(), pattern),
        }
    }
}

/// Whether `name`, or a module that it is inside of, is like `pattern`.
fn is_like(name: &str, pattern: &str) -> bool {
    let ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
    ends.into_iter().any(|end| matches(&name[..end], pattern))
}

/// Whether all of `text` is like `pattern`, in which a `*` stands for any text.
fn matches(text: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}

/// Numbers of the rules that a composite names.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Number of the epsilon rule.
    pub epsilon: f64,
    /// Number of the gamma rule.
    pub gamma: f64,
    /// Least and largest value of a pixel.
    pub pixels: (f64, f64),
}

/// A composite of the list.
pub struct CompositeEntry {
    /// Name, as a config gives it.
    pub name: &'static str,
    /// Patterns, and names of rules.
    layers: &'static [(Pattern, &'static str)],
    /// Whether biases take their share, if a config does not say.
    pub with_bias: bool,
}

const fn entry(name: &'static str, layers: &'static [(Pattern, &'static str)]) -> CompositeEntry {
    CompositeEntry { name, layers, with_bias: true }
}

/// Every composite: zennit's five, the epsilon rule everywhere, and excitation backpropagation.
pub const COMPOSITES: &[CompositeEntry] = &[
    entry("epsilon_plus", &[(Pattern::Convolutions, "z_plus"), (Pattern::All, "epsilon")]),
    entry(
        "epsilon_plus_flat",
        &[(Pattern::First, "flat"), (Pattern::Convolutions, "z_plus"), (Pattern::All, "epsilon")],
    ),
    entry("epsilon_alpha2_beta1", &[(Pattern::Convolutions, "alpha_beta"), (Pattern::All, "epsilon")]),
    entry(
        "epsilon_alpha2_beta1_flat",
        &[(Pattern::First, "flat"), (Pattern::Convolutions, "alpha_beta"), (Pattern::All, "epsilon")],
    ),
    entry(
        "epsilon_gamma_box",
        &[(Pattern::FirstConvolution, "z_box"), (Pattern::Convolutions, "gamma"), (Pattern::All, "epsilon")],
    ),
    entry("epsilon", &[(Pattern::All, "epsilon")]),
    CompositeEntry { with_bias: false, ..entry("excitation_backprop", &[(Pattern::All, "z_plus")]) },
];

/// Patterns of layers, and the rule of each.
pub type Layers = Vec<(Pattern, Box<dyn LayerRule>)>;

/// The layers of the composite called `name`, and whether biases take their share; with `numbers` for its rules.
pub fn composite(name: &str, numbers: Numbers) -> Option<(Layers, bool)> {
    let entry = COMPOSITES.iter().find(|entry| entry.name == name)?;
    let made = entry.layers.iter().map(|(pattern, rule)| {
        let text = match *rule {
            "epsilon" => format!("epsilon {:e}", numbers.epsilon),
            "gamma" => format!("gamma {:e}", numbers.gamma),
            "z_box" => format!("z_box {:e} {:e}", numbers.pixels.0, numbers.pixels.1),
            other => other.to_owned(),
        };
        Some((pattern.clone(), layer_rule(&text).ok()?))
    });
    Some((made.collect::<Option<Vec<_>>>()?, entry.with_bias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_a_module_and_all_that_is_inside_it() {
        let table = [
            ("layer1.0.conv1", "layer1", true),
            ("layer1.0.conv1", "layer1.0.conv1", true),
            ("layer10.0.conv1", "layer1", false),
            ("layer1.0.conv1", "layer*", true),
            ("layer1.0.conv1", "*.conv1", true),
            ("layer1.0.conv1", "*.conv", false),
            ("layer1.0.conv1", "layer1.*.conv1", true),
            ("fc", "*", true),
            ("fc", "", false),
        ];
        for (name, pattern, expected) in table {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn every_composite_can_be_made_and_a_rule_that_is_wrong_is_told() {
        let numbers = Numbers { epsilon: 1e-6, gamma: 0.25, pixels: (-1.0, 1.0) };
        for entry in COMPOSITES {
            let (layers, _) = composite(entry.name, numbers).unwrap();
            assert!(!layers.is_empty(), "{}", entry.name);
        }
        assert!(layer_rule("gama").unwrap_err().contains("unknown rule `gama`, expected one of `epsilon`"));
        assert!(layer_rule("gamma 0.1 2").unwrap_err().contains("takes up to 1 numbers: gamma (0.25)"));
        assert!(layer_rule("flat x").unwrap_err().contains("`flat` takes no numbers"));
        assert_eq!(format!("{:?}", layer_rule("z_box -2").unwrap()), "ZBox { low: -2.0, high: 1.0 }");
    }
}
