//! The values that a parameter can take: what is accepted, and how it is told what is not.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Largest size of a window, in pixels or channels.
const LARGEST: i64 = 4096;

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
    /// A word of these.
    Word(Cow<'static, [Cow<'static, str>]>),
    /// A word of these, or a finite number that fills the whole baseline image.
    Baseline(Cow<'static, [Cow<'static, str>]>),
    /// A window of the image in pixels: `16` (a square), `16x8` (height x width) or `3x16x8` (channels too).
    ///
    /// Also a list of these numbers; a list in a config stands for several choices, so there it is
    /// a list in a list. Checked values are lists, however they were spelled.
    Extent,
    /// `true` or `false`.
    Boolean,
    /// A module of the model by its name in PyTorch (`layer4.1.conv2`), or empty text. Whether a model
    /// has it is known once its weights are read.
    Layer,
    /// Modules of the model, in whose names `*` is any text, each with a rule: `[{conv1: flat}, {"layer*": gamma 0.25}]`. Such a list
    /// of a config is one value.
    Rules,
    /// The key of another map of the sweep. Whether there is such a map is known once all methods are read.
    Map,
    /// A digest of files, which the program fills in.
    Digest,
}

impl Kind {
    /// `value` as the methods see it; `None` if `value` is not of this kind.
    pub(super) fn checked(&self, value: &Value) -> Option<Value> {
        let is_word = |words: &[Cow<'static, str>]| value.as_str().is_some_and(|word| words.iter().any(|w| w == word));
        let fits = match self {
            Self::Integer { least, most } => value.as_i64().is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Number { least, most } => value.as_f64().is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Word(words) => is_word(words),
            Self::Baseline(words) => is_word(words) || value.as_f64().is_some_and(f64::is_finite),
            Self::Extent => return sizes(value).map(Value::from),
            Self::Boolean => value.is_boolean(),
            Self::Layer | Self::Map | Self::Digest => value.is_string(),
            Self::Rules => is_rules(value),
        };
        fits.then(|| value.clone())
    }
}

/// Most rules of a list, and letters of one.
const MOST_RULES: usize = 1000;
const MOST_LETTERS: usize = 500;

fn is_rules(value: &Value) -> bool {
    let is_rule = |item: &Value| {
        let pair = item.as_object().filter(|pair| pair.len() == 1).and_then(|pair| pair.iter().next());
        pair.is_some_and(|(name, rule)| {
            let rule = rule.as_str().unwrap_or_default();
            !name.is_empty() && !rule.is_empty() && name.len() + rule.len() <= MOST_LETTERS
        })
    };
    value.as_array().is_some_and(|items| (1..=MOST_RULES).contains(&items.len()) && items.iter().all(is_rule))
}

/// The numbers of an extent, in any of its spellings.
pub(super) fn sizes(value: &Value) -> Option<Vec<i64>> {
    let sizes: Vec<i64> = match value {
        Value::Number(_) => vec![value.as_i64()?],
        Value::String(text) => text.split('x').map(|size| size.parse().ok()).collect::<Option<_>>()?,
        Value::Array(items) => items.iter().map(Value::as_i64).collect::<Option<_>>()?,
        _ => return None,
    };
    let fits = (1..=3).contains(&sizes.len()) && sizes.iter().all(|size| (1..=LARGEST).contains(size));
    fits.then_some(sizes)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |words: &[Cow<'static, str>]| words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Integer { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Number { least, most } => write!(f, "a number from {least} to {most}"),
            Self::Word(known) => write!(f, "one of {}", words(known)),
            Self::Baseline(known) => write!(f, "{} or a number", words(known)),
            Self::Extent => {
                write!(f, "pixels from 1 to {LARGEST}: `16`, `16x16` (height x width) or `3x16x16` (channels too)")
            }
            Self::Boolean => write!(f, "`true` or `false`"),
            Self::Layer => f.write_str("the name of a module of the model"),
            Self::Digest => f.write_str("a digest that the program fills in"),
            Self::Map => f.write_str("the key of another map of the sweep"),
            Self::Rules => {
                f.write_str("a list of modules, each with its rule: `[{conv1: flat}, {\"layer*\": gamma 0.25}]`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_extent_is_the_same_list_however_it_is_spelled() {
        let table = [
            (json!(16), json!([16])),
            (json!("16"), json!([16])),
            (json!("16x8"), json!([16, 8])),
            (json!([16, 8]), json!([16, 8])),
            (json!("3x16x8"), json!([3, 16, 8])),
            (json!([3, 16, 4096]), json!([3, 16, 4096])),
        ];
        for (spelled, list) in table {
            assert_eq!(Kind::Extent.checked(&spelled), Some(list), "{spelled}");
        }
    }

    #[test]
    fn what_is_no_extent_is_refused() {
        let table = [
            json!(0),
            json!(-1),
            json!(4097),
            json!(1.5),
            json!(true),
            json!(""),
            json!("x"),
            json!("16x"),
            json!("16 x 16"),
            json!("1x2x3x4"),
            json!([]),
            json!([1, "2"]),
            json!([1, 2, 3, 4]),
            json!(null),
        ];
        for value in table {
            assert_eq!(Kind::Extent.checked(&value), None, "{value}");
        }
    }

    #[test]
    fn rules_are_a_list_of_one_module_and_one_rule_each() {
        assert!(Kind::Rules.checked(&json!([{"conv1": "flat"}, {"layer*": "gamma 0.25"}])).is_some());
        let wrong = [
            json!([]),
            json!("flat"),
            json!([{"a": "flat", "b": "flat"}]),
            json!([{"a": 1}]),
            json!([{"": "flat"}]),
            json!({"a": "flat"}),
        ];
        for value in wrong {
            assert_eq!(Kind::Rules.checked(&value), None, "{value}");
        }
        assert_eq!(Kind::Rules.checked(&json!([{"a": "x".repeat(600)}])), None);
    }

    #[test]
    fn kinds_are_told_in_words() {
        let extent = "pixels from 1 to 4096: `16`, `16x16` (height x width) or `3x16x16` (channels too)";
        assert_eq!(Kind::Extent.to_string(), extent);
        assert_eq!(Kind::Boolean.to_string(), "`true` or `false`");
        assert_eq!(Kind::Baseline(Cow::Borrowed(&[Cow::Borrowed("zero")])).to_string(), "`zero` or a number");
    }
}
