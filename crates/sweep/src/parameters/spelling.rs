//! Spelling of values in keys and messages.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::yaml::found;

/// `value` as it stands in the key of a variant: as Python's `str` spells it, sizes as `3x16x16`.
pub fn part_of_key(value: &Value) -> String {
    match value {
        // Names of modules and numbers are too long for the name of a folder, and have signs that none may have.
        Value::Array(items) if items.iter().any(Value::is_object) => {
            hex::encode(&Sha256::digest(value.to_string().as_bytes())[..4])
        }
        Value::Array(items) => items.iter().map(python_str).collect::<Vec<_>>().join("x"),
        single => python_str(single),
    }
}

/// `value` as a message names it, in backquotes.
pub(super) fn told(value: &Value) -> String {
    match value {
        Value::String(text) => found(text),
        other => format!("`{}`", python_str(other)),
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

    /// `printf '[{"conv1":"flat"}]' | sha256sum`
    #[test]
    fn lists_of_rules_are_a_digest_in_keys() {
        let key = part_of_key(&json!([{"conv1": "flat"}]));
        assert_eq!(key, "e8fb9888");
        assert_ne!(key, part_of_key(&json!([{"conv1": "w_square"}])));
    }

    #[test]
    fn sizes_are_joined_in_keys() {
        assert_eq!(part_of_key(&json!([3, 16, 16])), "3x16x16");
        assert_eq!(part_of_key(&json!("16x16")), "16x16");
    }
}
