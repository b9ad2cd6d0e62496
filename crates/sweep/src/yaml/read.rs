//! Readers of single values. Each reads a [`Value`], or returns a text that says what was expected.

use std::path::PathBuf;

use crate::memory;
use crate::yaml::expand;
use crate::yaml::node::Value;

/// Any text; whole numbers and words alike, as YAML users write names.
pub fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        _ => Err("text".to_owned()),
    }
}

/// A name that becomes part of a file name: letters, digits, `.`, `_`, `-`, not starting with a dot.
pub fn name(value: &Value) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match text(value) {
        Ok(name) if name.chars().all(fits) && !name.starts_with('.') && name.len() <= 100 => Ok(name),
        _ => Err("a name of at most 100 letters, digits, `.`, `_` or `-`".to_owned()),
    }
}

/// The path of a file or folder; `~`, `$NAME` and `${NAME}` are replaced as in a shell.
pub fn path(value: &Value) -> Result<PathBuf, String> {
    let text = text(value).map_err(|_| "a path".to_owned())?;
    expand::path(&text, |name| std::env::var(name).ok())
}

/// `true` or `false`.
pub fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err("`true` or `false`".to_owned()),
    }
}

/// A whole number between `least` and `most`, both included.
pub fn integer(least: u64, most: u64) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| match value {
        Value::Integer(number) if u64::try_from(*number).is_ok_and(|n| (least..=most).contains(&n)) => {
            Ok(number.unsigned_abs())
        }
        _ if most == u64::MAX => Err(format!("a whole number of at least {least}")),
        _ => Err(format!("a whole number from {least} to {most}")),
    }
}

/// A number of seconds, more than zero.
pub fn seconds(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(number) if *number > 0 => Ok(*number as f64),
        Value::Number(number) if *number > 0.0 && number.is_finite() => Ok(*number),
        _ => Err("a number of seconds, more than 0".to_owned()),
    }
}

/// Reads two finite numbers, the smaller first.
pub fn range(value: &Value) -> Result<[f64; 2], String> {
    let number = |value: &Value| match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    let ends = match value {
        Value::List(items) if items.len() == 2 => number(&items[0].value).zip(number(&items[1].value)),
        _ => None,
    };
    match ends {
        Some((least, most)) if least < most && (most - least).is_finite() => Ok([least, most]),
        _ => Err("two numbers, the less first, such as `[0, 1]`".to_owned()),
    }
}

/// A number of bytes.
pub fn size(value: &Value) -> Result<u64, String> {
    text(value).and_then(|text| memory::parse(&text)).map_err(|_| "a size such as `2GiB`".to_owned())
}

/// Reads a word of a closed list.
pub fn choice<T: Copy>(known: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let found = known.iter().find(|(name, _)| *value == Value::Text((*name).to_owned()));
        let names = || known.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        found.map(|(_, choice)| *choice).ok_or_else(names)
    }
}

/// Any value, as JSON.
pub fn json(value: &Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) if !value.is_finite() => return Err("a finite number".to_owned()),
        Value::Number(value) => (*value).into(),
        Value::Text(value) => value.clone().into(),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect::<Result<_, _>>()?,
        Value::Map(entries) => {
            let pairs = entries.iter().map(|(key, node)| Ok((key.name.clone(), json(&node.value)?)));
            let object: serde_json::Map<_, _> = pairs.collect::<Result<_, String>>()?;
            if object.len() < entries.len() {
                return Err("each key once".to_owned());
            }
            serde_json::Value::Object(object)
        }
    })
}
