//! Record of an adoption: what was checked of a store that another program has written, and which of its maps count as those of a sweep.
//!
//! The record lies beside the store, in a file of its own. The store itself is never written to.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use files::{FileError, durable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sweep::config::MeanOf;
use sweep::fingerprint::{self, Fingerprint};
use sweep::group::Group;
use sweep::variant::Variant;

/// Ending of the names of stores with the maps that an adopted store lacks.
pub const ADOPTED: &str = "_adopted";

/// Largest record that is read, in bytes.
const MOST: u64 = 64 << 20;

/// Facts that a record has of a group. Others are no facts of a store that another program wrote: its seed, the shards of ours.
const FACTS: [&str; 5] = ["weights_sha256", "weights_set", "shape", "noise", "precision"];

/// Record of an adoption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adoption {
    /// Program that has checked the store.
    pub program: String,
    /// Name of the store.
    pub store: String,
    /// Content of its images, labels and predictions.
    pub content: Value,
    /// Facts of the config by which the store was checked.
    pub facts: Fingerprint,
    /// Number of images that were checked.
    pub images: u64,
    /// Maps that were adopted, by key.
    pub maps: BTreeMap<String, AdoptedMaps>,
    /// Sentences on what was checked.
    pub checked: Vec<String>,
    /// Sentences on what nobody can vouch for.
    pub not_vouched_for: Vec<String>,
}

/// Maps of a method that were adopted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdoptedMaps {
    /// Content of the array.
    pub content: Value,
    /// Facts of the variant by which maps were computed again.
    pub facts: Fingerprint,
}

impl Adoption {
    /// File of the record of the store called `name` in `folder`.
    pub fn file(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.adopted.json"))
    }

    /// Reads the record in `file`; `None` if there is none. The error is one sentence.
    pub fn read(file: &Path) -> Result<Option<Self>, String> {
        let told = |reason: String| format!("`{}` is no record of an adoption: {reason}", file.display());
        let size = match std::fs::metadata(file) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot read `{}`: {error}", file.display())),
        };
        if size > MOST {
            return Err(told(format!("it has {size} bytes, at most {MOST} are expected")));
        }
        let bytes = std::fs::read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| told(error.to_string()))
    }

    /// Writes the record to `file`, durably.
    pub fn write(&self, file: &Path) -> Result<(), FileError> {
        // Text and finite numbers only, which always have a JSON form.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        durable::put(file, &text, &format!("adopt-{}", std::process::id()))
    }

    /// Removes the record in `file`, if there is one.
    pub fn remove(file: &Path) -> Result<(), FileError> {
        match std::fs::remove_file(file) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(FileError::Write { path: file.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// Facts by which a store is checked for `group`, whose mean images are the mean `mean_of` some images.
    pub fn facts_of(group: &Group, mean_of: MeanOf) -> Fingerprint {
        let all = fingerprint::of_group(group);
        let mut facts: Fingerprint = all.into_iter().filter(|(name, _)| FACTS.contains(&name.as_str())).collect();
        facts.insert("mean_of".to_owned(), mean_of.meaning().into());
        facts
    }

    /// Facts by which the maps of `variant` are checked: those of a mean image are none, as the image may not be there yet.
    pub fn facts_of_variant(group: &Group, variant: &Variant) -> Fingerprint {
        let mut facts = fingerprint::of_variant(group, variant);
        facts.remove("mean_sha256");
        facts
    }

    /// Whether the maps of `variant` were adopted.
    pub fn has(&self, group: &Group, variant: &Variant) -> bool {
        self.maps.get(&variant.key).is_some_and(|maps| maps.facts == Self::facts_of_variant(group, variant))
    }

    /// Sentences on the facts by which `group`, which takes its images from the store, differs from what was checked.
    pub fn differences(&self, group: &Group, mean_of: MeanOf) -> Vec<String> {
        let facts = serde_json::to_value(&self.facts).unwrap_or(Value::Null);
        let mut told = fingerprint::differences(&facts, &Self::facts_of(group, mean_of));
        if self.content != group.input.data {
            told.push("the store has other images, labels or predictions than when it was adopted".to_owned());
        }
        if self.images < group.images {
            told.push(format!("{} images were checked, and the config asks for {}", self.images, group.images));
        }
        told
    }
}
