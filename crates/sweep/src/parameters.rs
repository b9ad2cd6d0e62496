//! Parameters of methods and noises: declared once, checked against the declaration, then typed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::nearest;

/// Values by name, in alphabetical order: the order in which keys are spelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, Value>);

/// One parameter that a method or noise takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its key in YAML.
    pub name: Cow<'static, str>,
    /// What it does, in a few words.
    pub summary: Cow<'static, str>,
    /// The values it can take.
    pub kind: Kind,
    /// The value used when it is not given; without one it must be given.
    pub default: Option<Default>,
}

/// The values that a parameter can take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// A whole number, both ends included.
    Integer {
        /// Smallest value.
        least: i64,
        /// Largest value.
        most: i64,
    },
    /// A number, both ends included.
    Number {
        /// Smallest value.
        least: f64,
        /// Largest value.
        most: f64,
    },
    /// One of these words.
    Word(Cow<'static, [Cow<'static, str>]>),
    /// One of these words, or a finite number that fills the whole baseline image.
    Baseline(Cow<'static, [Cow<'static, str>]>),
}

/// A default that can be spelled in a `const`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants are the kinds of JSON values that a default can have")]
pub enum Default {
    Integer(i64),
    Number(f64),
    Word(Cow<'static, str>),
}

/// A builder asked for a parameter that the declaration does not promise.
#[derive(Debug, thiserror::Error)]
#[error("parameter `{name}` is {found}, expected {expected}")]
pub struct ParameterError {
    name: String,
    found: String,
    expected: &'static str,
}

impl Parameters {
    /// Checks `self` against `declared` and fills in defaults; every mistake as (name, text).
    pub fn checked(&self, declared: &[Parameter]) -> Result<Self, Vec<(String, String)>> {
        let mut mistakes = Vec::new();
        for name in self.0.keys() {
            if !declared.iter().any(|parameter| parameter.name == *name) {
                mistakes.push((name.clone(), unknown(name, declared)));
            }
        }
        let mut checked = Self(BTreeMap::new());
        for parameter in declared {
            let name = parameter.name.to_string();
            match (self.0.get(&name), &parameter.default) {
                (Some(value), _) if parameter.kind.accepts(value) => {
                    checked.0.insert(name, value.clone());
                }
                (Some(value), _) => {
                    mistakes.push((name, format!("found `{}`, expected {}", python_str(value), parameter.kind)));
                }
                (None, Some(default)) => {
                    checked.0.insert(name, default.value());
                }
                (None, None) => mistakes.push((name, format!("missing, expected {}", parameter.kind))),
            }
        }
        if mistakes.is_empty() { Ok(checked) } else { Err(mistakes) }
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<i64, ParameterError> {
        self.typed(name, "a whole number", Value::as_i64)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<f64, ParameterError> {
        self.typed(name, "a number", Value::as_f64)
    }

    /// A word.
    pub fn word(&self, name: &str) -> Result<&str, ParameterError> {
        self.typed(name, "a word", Value::as_str)
    }

    /// The raw value.
    pub fn value(&self, name: &str) -> Result<&Value, ParameterError> {
        self.typed(name, "a value", Some)
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, ParameterError> {
        let found = self.0.get(name);
        found.and_then(read).ok_or_else(|| ParameterError {
            name: name.to_owned(),
            found: found.map_or_else(|| "missing".to_owned(), ToString::to_string),
            expected,
        })
    }
}

impl Default {
    fn value(&self) -> Value {
        match self {
            Self::Integer(value) => (*value).into(),
            Self::Number(value) => (*value).into(),
            Self::Word(word) => word.as_ref().into(),
        }
    }
}

impl Kind {
    fn accepts(&self, value: &Value) -> bool {
        let is_word = |words: &[Cow<'static, str>]| value.as_str().is_some_and(|word| words.iter().any(|w| w == word));
        match self {
            Self::Integer { least, most } => value.as_i64().is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Number { least, most } => value.as_f64().is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Word(words) => is_word(words),
            Self::Baseline(words) => is_word(words) || value.as_f64().is_some_and(f64::is_finite),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = |words: &[Cow<'static, str>]| words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Integer { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Number { least, most } => write!(f, "a number from {least} to {most}"),
            Self::Word(known) => write!(f, "one of {}", words(known)),
            Self::Baseline(known) => write!(f, "{} or a number", words(known)),
        }
    }
}

fn unknown(name: &str, declared: &[Parameter]) -> String {
    match declared {
        [] => "unknown parameter, none is taken".to_owned(),
        _ => format!("unknown parameter, {}", nearest(name, declared.iter().map(|p| p.name.as_ref()))),
    }
}

/// `value` as Python's `str` spells it: keys of variants are made so by the scripts that users come from.
pub fn python_str(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(float)) => python_float(float),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Shortest digits that read back; exponents (two digits at least) below 1e-4 and from 1e16 on.
fn python_float(value: f64) -> String {
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STEPS: Parameter = Parameter {
        name: Cow::Borrowed("n_steps"),
        summary: Cow::Borrowed("steps"),
        kind: Kind::Integer { least: 1, most: 100 },
        default: Some(Default::Integer(50)),
    };

    fn given(value: Value) -> Parameters {
        serde_json::from_value(value).unwrap_or_default()
    }

    #[test]
    fn values_are_spelled_as_python_spells_them() {
        // Right-hand sides: str() of the same value in CPython 3.11.
        let table = [
            (json!(0.1), "0.1"),
            (json!(1.0), "1.0"),
            (json!(1e-5), "1e-05"),
            (json!(1.5e-7), "1.5e-07"),
            (json!(1e16), "1e+16"),
            (json!(123_456.75), "123456.75"),
            (json!(0.0001), "0.0001"),
            (json!(50), "50"),
            (json!("zero"), "zero"),
            (json!(true), "True"),
        ];
        for (value, python) in table {
            assert_eq!(python_str(&value), python);
        }
    }

    #[test]
    fn a_missing_parameter_takes_its_default_and_every_mistake_is_told() {
        let checked = given(json!({})).checked(&[STEPS]).unwrap_or_default();
        assert_eq!(checked.integer("n_steps").ok(), Some(50));
        let mistakes = given(json!({"n_step": 3, "n_steps": 0})).checked(&[STEPS]).err().unwrap_or_default();
        assert_eq!(mistakes.len(), 2);
        assert_eq!(mistakes[0].1, "unknown parameter, did you mean `n_steps`?");
        assert_eq!(mistakes[1].1, "found `0`, expected a whole number from 1 to 100");
    }
}
