//! A YAML document as a tree. Typed deserialising stops at the first mistake; a tree does not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::DuplicateKeyPolicy;
use serde_yaml::{Options, Spanned};

use super::words::{self, shown};

/// A value and its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// 1-based line.
    pub line: u64,
}

/// A value of YAML. Words like `no` or `on` are text, as in YAML 1.2.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are YAML's own kinds")]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Entry, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub name: String,
    /// 1-based line.
    pub line: u64,
}

/// Reads a document. An error has the line, counted from 1 (0 if unknown), and a sentence. A key that stands there twice is in the
/// tree twice.
pub fn parse(text: &str) -> Result<Node, (u64, String)> {
    if text.trim().is_empty() {
        return Err((0, "the file is empty".to_owned()));
    }
    serde_yaml::from_str_with_options::<Spanned<Value>>(text, options()).map(Node::from).map_err(|error| {
        let line = error.location().map_or(0, |at| at.line());
        (line, words::of(&error, line, text))
    })
}

/// Options of the parser. `010` is eight to some readers of YAML and ten to others: with these options it stays text, which no
/// reader of numbers accepts.
fn options() -> Options {
    serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
    }
}

/// A text as messages show it. A text that would be a number, a word such as `true`, or nothing without its quotes is shown with
/// quotes, and `010` with a remark.
pub(crate) fn found(text: &str) -> String {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!(
            "`{}` (some take a number that begins with `0` for an octal one: leave the `0` out)",
            shown(text)
        );
    }
    let short = text.len() <= 40;
    let plain = !short || matches!(serde_yaml::from_str_with_options(text, options()), Ok(Value::Text(_)));
    if plain { format!("`{}`", shown(text)) } else { format!("`'{}'` (in quotes: a text)", shown(text)) }
}

impl Node {
    /// The node under `key`, in a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(entry, _)| entry.name == key).map(|(_, node)| node),
            _ => None,
        }
    }
}

impl Value {
    /// Whether the value is a list or a mapping without anything in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// The value as messages show it: `` `abc` ``, `a list`, `nothing`.
    pub fn found(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Integer(value) => format!("`{value}`"),
            Self::Number(value) => format!("`{value:?}`"),
            Self::Text(value) => found(value),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { value: spanned.value, line: spanned.referenced.line() }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value::<Spanned<Value>>()?;
            map.push((Entry { name: key.value, line: key.referenced.line() }, value.into()));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_line_and_its_kind() {
        let node =
            parse("a: 1\nb:\n  - x\n  - 1e-5\n  - no\nc: {d: true, e: null}\n").unwrap_or_else(|e| panic!("{e:?}"));
        let Value::Map(entries) = &node.value else { panic!("{node:?}") };
        assert_eq!(entries[0].1, Node { value: Value::Integer(1), line: 1 });
        let Value::List(items) = &entries[1].1.value else { panic!("{node:?}") };
        assert_eq!(items[0], Node { value: Value::Text("x".into()), line: 3 });
        assert_eq!(items[1], Node { value: Value::Number(1e-5), line: 4 });
        assert_eq!(items[2], Node { value: Value::Text("no".into()), line: 5 });
        let Value::Map(inner) = &entries[2].1.value else { panic!("{node:?}") };
        assert_eq!(inner[0].1.value, Value::Bool(true));
        assert_eq!(inner[1].1.value, Value::Null);
    }

    #[test]
    fn a_key_that_stands_over_one_that_is_merged_in_is_there_once_and_a_doubled_one_twice() {
        let keys = |text: &str| {
            let Ok(Node { value: Value::Map(entries), .. }) = parse(text) else { panic!("{text}") };
            let Value::Map(last) = &entries[entries.len() - 1].1.value else { panic!("{text}") };
            last.iter().map(|(key, node)| format!("{}={}", key.name, node.value.found())).collect::<Vec<_>>().join(" ")
        };
        for merged in ["<<: *a, x: 2", "x: 2, <<: *a", "<<: [*a, *a], x: 2"] {
            assert!(
                ["x=`2` y=`1`", "y=`1` x=`2`"].contains(&&*keys(&format!("a: &a {{x: 1, y: 1}}\nb: {{{merged}}}")))
            );
        }
        assert_eq!(keys("b: {x: 1, x: 2}"), "x=`1` x=`2`");
    }

    #[test]
    fn a_text_that_only_quotes_keep_from_being_something_else_is_shown_with_them() {
        let table = [
            ("abc", "`abc`"),
            ("50", "`'50'` (in quotes: a text)"),
            ("true", "`'true'` (in quotes: a text)"),
            ("", "`''` (in quotes: a text)"),
            ("[1]", "`'[1]'` (in quotes: a text)"),
            ("1,000", "`1,000`"),
            ("010", "`010` (some take a number that begins with `0` for an octal one: leave the `0` out)"),
        ];
        for (text, told) in table {
            assert_eq!(Value::Text(text.to_owned()).found(), told);
        }
        assert!(Value::Text("x".repeat(1 << 16)).found().len() < 200);
    }
}
