//! Facts that a store records beside the names of its group.

use serde_json::Value;
use sweep::fingerprint::Fingerprint;

/// Name in the provenance of the layers that were chosen for variants which name none, by key.
pub const LAYERS: &str = "layers";

/// Name in the root's attributes of the preprocessing of the images.
pub(crate) const PREPROCESSING: &str = "preprocessing";

/// Name in the root's attributes of what is measured and scored.
pub(crate) const EVALUATION: &str = "evaluation";

/// Name in the root's attributes of scores of which the store has a part that no config asks for any more.
pub(crate) const BEGUN: &str = "begun";

/// Name in the provenance of the ending of the store's name, behind the split; absent where there is none.
pub const SUFFIX: &str = "suffix";

/// Facts in a store's root attributes, beside the names of its group.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Everything that determines the numbers.
    pub fingerprint: Fingerprint,
    /// Writer of the store, its program and its files: recorded, not compared.
    pub provenance: Value,
}
