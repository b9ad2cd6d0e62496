//! The list of rules at one linear layer, and how a text names one.

mod alpha_beta;
mod epsilon;
mod flat;
mod gamma;
mod w_square;
mod z_box;
mod z_plus;

use super::layer_rule::{LayerEntry, LayerRule};

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
