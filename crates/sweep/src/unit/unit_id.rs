//! Names of units, which are written and parsed in this file alone.
//!
//! | name | work |
//! |---|---|
//! | `<group>/<kind>` | of a kind that takes a whole group: `means` |
//! | `<group>/<shard>` | all of a shard, of the kind that is [`UNNAMED`] |
//! | `<group>/<shard>:<word>` | a part of a shard: images and predictions, or the work of another kind |
//! | `<group>/<shard>.<key>` | a part of a shard: the variant of that key |
//! | `<group>/<shard>:<kind>.<key>` | the same, of another kind |
//!
//! No group has a slash in its name, no key has a colon, and no kind begins with a digit.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kind of work whose units of a shard do not name their kind.
pub const UNNAMED: &str = "attribute";

/// Name of a unit, the same for as long as its config does not change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct UnitId {
    /// Name of the group, which all of its units may share in memory.
    group: Arc<str>,
    /// Text behind the slash. `None` for a text without a slash, which names no unit of any sweep.
    part: Option<Box<str>>,
}

impl UnitId {
    /// Name of the unit of `kind` that takes all of a group.
    pub fn whole(group: &Arc<str>, kind: &str) -> Self {
        Self { group: Arc::clone(group), part: Some(kind.into()) }
    }

    /// Name of the unit of a shard: all of the shard, or what `word` and `key` say.
    pub fn of_shard(group: &Arc<str>, shard: u64, word: Option<&str>, key: Option<&str>) -> Self {
        let word = word.map(|word| format!(":{word}")).unwrap_or_default();
        let key = key.map(|key| format!(".{key}")).unwrap_or_default();
        Self { group: Arc::clone(group), part: Some(format!("{shard}{word}{key}").into()) }
    }

    /// Name of the group that the unit belongs to.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Shard that the unit works on; `None` for a unit that takes all of its group.
    pub fn shard(&self) -> Option<u64> {
        let part = self.part.as_deref()?;
        part.split(['.', ':']).next().and_then(|shard| shard.parse().ok())
    }

    /// Key of the variant that the unit does; `None` for a unit that does more than one, or none.
    pub fn key(&self) -> Option<&str> {
        self.part.as_deref()?.split_once('.').map(|(_, key)| key)
    }

    /// Text behind the name of the group.
    pub fn part(&self) -> &str {
        self.part.as_deref().unwrap_or_default()
    }
}

impl From<&str> for UnitId {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some((group, part)) => Self { group: group.into(), part: Some(part.into()) },
            None => Self { group: text.into(), part: None },
        }
    }
}

impl From<String> for UnitId {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<UnitId> for String {
    fn from(id: UnitId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.group)?;
        self.part.as_deref().map_or(Ok(()), |part| write!(f, "/{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parsed_as_it_was_written() {
        let group: Arc<str> = "dataset-d_model-m".into();
        let shard = |word, key| UnitId::of_shard(&group, 7, word, key);
        let table = [
            (UnitId::whole(&group, "means"), "means", None),
            (shard(None, None), "7", Some(7)),
            (shard(Some("predictions"), None), "7:predictions", Some(7)),
            (shard(None, Some("IG_n_steps_0.5")), "7.IG_n_steps_0.5", Some(7)),
            (shard(Some("evaluate"), Some("IG")), "7:evaluate.IG", Some(7)),
        ];
        for (id, part, of_shard) in table {
            let text = format!("dataset-d_model-m/{part}");
            assert_eq!((id.to_string(), id.group(), id.shard()), (text.clone(), "dataset-d_model-m", of_shard));
            assert_eq!(UnitId::from(text), id);
        }
        assert_eq!(shard(Some("evaluate"), Some("IG_n_steps_0.5")).key(), Some("IG_n_steps_0.5"));
        assert_eq!((shard(Some("predictions"), None).key(), shard(None, None).key()), (None, None));
    }

    #[test]
    fn a_text_that_names_no_unit_stays_as_it_is_in_messages() {
        for text in ["", "/", "a", "a/", "a/b/c", "7"] {
            let id: UnitId = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&id).unwrap(), text);
        }
        assert_ne!(UnitId::from("a"), UnitId::from("a/"));
    }

    #[test]
    fn a_variant_is_not_taken_for_the_predictions_of_its_shard() {
        let group: Arc<str> = "g".into();
        let [word, key] = [(Some("predictions"), None), (None, Some("predictions"))];
        assert_ne!(UnitId::of_shard(&group, 0, word.0, word.1), UnitId::of_shard(&group, 0, key.0, key.1));
    }
}
