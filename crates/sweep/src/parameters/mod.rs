//! Parameters of methods and noises: declared once, checked against the declaration, then typed.

mod kind;
mod spelling;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use kind::Kind;
pub use spelling::{part_of_key, python_str};

use crate::problem::nearest;

/// Values by name, in alphabetical order: the order in which keys are spelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, Value>);

/// A parameter that a method or noise takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Key of the parameter in YAML.
    pub name: Cow<'static, str>,
    /// Effect of the parameter, in a few words.
    pub summary: Cow<'static, str>,
    /// The values it can take.
    pub kind: Kind,
    /// Value of the parameter where a config gives none; a parameter without a default must be given.
    pub default: Option<Default>,
}

/// Default of a parameter, such that it can be spelled in a `const`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Default {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A word.
    Word(Cow<'static, str>),
    /// A truth value.
    Boolean(bool),
    /// No value: the parameter may be absent, and its absence has a meaning of its own.
    Absent,
}

/// A builder asked for a parameter that the declaration does not promise.
#[derive(Debug, thiserror::Error)]
#[error("parameter `{name}` is {found}, expected {expected}")]
pub struct ParameterError {
    name: String,
    found: String,
    expected: &'static str,
}

impl ParameterError {
    /// Name of the parameter.
    pub fn name(&self) -> &str {
        &self.name
    }
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
                (Some(value), _) => {
                    let found = || format!("found {}, expected {}", spelling::told(value), parameter.kind);
                    match parameter.kind.checked(value).ok_or_else(found) {
                        Ok(value) => drop(checked.0.insert(name, value)),
                        Err(text) => mistakes.push((name, text)),
                    }
                }
                (None, Some(default)) => checked.0.extend(default.value().map(|value| (name, value))),
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

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<bool, ParameterError> {
        self.typed(name, "`true` or `false`", Value::as_bool)
    }

    /// Reads a number of pixels (a square), `[height, width]` or `[channels, height, width]`, each 1 or more.
    pub fn extent(&self, name: &str) -> Result<Vec<i64>, ParameterError> {
        self.typed(name, "one to three whole numbers", kind::sizes)
    }

    /// The raw value of a parameter that may be absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The raw value.
    pub fn value(&self, name: &str) -> Result<&Value, ParameterError> {
        self.typed(name, "a value", Some)
    }

    /// The error of a builder to which the parameter `name` is of no use.
    pub fn unfit(&self, name: &str, expected: &'static str) -> ParameterError {
        let found = self.0.get(name).map_or_else(|| "missing".to_owned(), ToString::to_string);
        ParameterError { name: name.to_owned(), found, expected }
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, ParameterError> {
        self.0.get(name).and_then(read).ok_or_else(|| self.unfit(name, expected))
    }
}

impl Default {
    /// The value; `None` where the parameter may be absent.
    pub fn value(&self) -> Option<Value> {
        match self {
            Self::Integer(value) => Some((*value).into()),
            Self::Number(value) => Some((*value).into()),
            Self::Word(word) => Some(word.as_ref().into()),
            Self::Boolean(value) => Some((*value).into()),
            Self::Absent => None,
        }
    }
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value:?}"),
            Self::Word(word) if word.is_empty() => f.write_str("empty"),
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Boolean(value) => write!(f, "`{value}`"),
            Self::Absent => f.write_str("not given"),
        }
    }
}

fn unknown(name: &str, declared: &[Parameter]) -> String {
    match declared {
        [] => "unknown parameter, none is taken".to_owned(),
        _ => format!("unknown parameter, {}", nearest(name, declared.iter().map(|p| p.name.as_ref()))),
    }
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
    fn a_missing_parameter_takes_its_default_and_every_mistake_is_told() {
        let checked = given(json!({})).checked(&[STEPS]).unwrap_or_default();
        assert_eq!(checked.integer("n_steps").ok(), Some(50));
        let mistakes = given(json!({"n_step": 3, "n_steps": 0})).checked(&[STEPS]).err().unwrap_or_default();
        assert_eq!(mistakes.len(), 2);
        assert_eq!(mistakes[0].1, "unknown parameter, did you mean `n_steps`?");
        assert_eq!(mistakes[1].1, "found `0`, expected a whole number from 1 to 100");
    }

    #[test]
    fn a_parameter_that_may_be_absent_is_left_out_and_found_when_given() {
        let strides = Parameter { name: "strides".into(), kind: Kind::Extent, default: Some(Default::Absent), ..STEPS };
        let declared = [strides];
        let absent = given(json!({})).checked(&declared).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(absent.get("strides"), None);
        assert!(absent.extent("strides").is_err_and(|error| error.to_string().contains("is missing")));
        let there =
            given(json!({"strides": "8x4"})).checked(&declared).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(there.get("strides"), Some(&json!([8, 4])));
        assert_eq!(there.extent("strides").ok(), Some(vec![8, 4]));
    }

    #[test]
    fn truth_values_are_read_and_have_defaults() {
        let flag =
            Parameter { name: "flag".into(), kind: Kind::Boolean, default: Some(Default::Boolean(true)), ..STEPS };
        for (yaml, expected) in [(json!({}), true), (json!({"flag": false}), false)] {
            let checked = given(yaml).checked(std::slice::from_ref(&flag)).unwrap_or_default();
            assert_eq!(checked.boolean("flag").ok(), Some(expected));
        }
        let mistakes = given(json!({"flag": "yes"})).checked(&[flag]).err().unwrap_or_default();
        assert_eq!(mistakes[0].1, "found `yes`, expected `true` or `false`");
    }
}
