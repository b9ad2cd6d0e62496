//! The seal of a root and of its copy: a digest of what we say there. What others add beside it is theirs.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::facts::PREPROCESSING;
use crate::families::{self, ATTRIBUTIONS};

/// What stands under `attrisweep` in the root's attributes. A build that did not seal wrote the first four.
const FIELDS: [&str; 7] = ["complete", "variants", "fingerprint", PREPROCESSING, "provenance", "computed_by", "digest"];

/// Attributes of a root that are ours, of this build or an earlier one.
const ATTRIBUTES: [&str; 7] =
    ["description", "data_flag", "model_flag", "noise_name", "split", "zarr_version", "attrisweep"];

pub(crate) fn is_ours(node: &Value) -> bool {
    node["attributes"]["attrisweep"].is_object()
}

/// `node` without the attributes of others.
pub(crate) fn bare(mut node: Value) -> Value {
    if let Some(attributes) = node["attributes"].as_object_mut() {
        attributes.retain(|name, _| ATTRIBUTES.contains(&name.as_str()));
    }
    node
}

/// `node` with the attributes of others that `found` has.
pub(crate) fn with_others(mut node: Value, found: &Value) -> Value {
    let others = found["attributes"].as_object().into_iter().flatten();
    for (name, value) in others.filter(|(name, _)| !ATTRIBUTES.contains(&name.as_str())) {
        node["attributes"][name] = value.clone();
    }
    node
}

/// What is wrong with a root of ours, or its copy.
pub(crate) fn broken(node: &Value) -> Option<String> {
    let ours = &node["attributes"]["attrisweep"];
    let fields = ours.as_object().into_iter().flat_map(Map::keys);
    if let Some(unknown) = fields.into_iter().find(|field| !FIELDS.contains(&field.as_str())) {
        return Some(format!("it has the unknown attribute `{unknown}`"));
    }
    // Earlier builds did not seal, or sealed the order of all that stands there.
    let changed =
        ours.get("digest").is_some_and(|digest| *digest != digest_of(node) && *digest != ordered_digest_of(node));
    changed.then(|| "it was changed since it was written".to_owned())
}

pub(crate) fn sealed(mut node: Value) -> Value {
    node["attributes"]["attrisweep"]["digest"] = digest_of(&node).into();
    node
}

/// SHA-256 of what we say in `node`, but for its digest, in whatever order it stands there: zarr-python writes all of a root again
/// when it adds an attribute.
fn digest_of(node: &Value) -> String {
    let mut said = bare(node.clone());
    said["attributes"]["attrisweep"]["digest"] = "".into();
    if let Some(nodes) = said["consolidated_metadata"]["metadata"].as_object_mut() {
        nodes.retain(|path, node| is_node_of_ours(path, node));
        nodes.values_mut().for_each(|node| *node = plain(node));
    }
    said.sort_all_objects();
    digest(said)
}

/// The same of everything, as it stands there.
fn ordered_digest_of(node: &Value) -> String {
    digest(node.clone())
}

fn digest(mut said: Value) -> String {
    said["attributes"]["attrisweep"]["digest"] = "".into();
    // As whoever reads it has it: numbers that were read may differ in their last bit from those that were written.
    let read = serde_json::from_str(&said.to_string()).unwrap_or(said);
    hex::encode(Sha256::digest(read.to_string()))
}

/// Whether a run has made the node at `path`.
fn is_node_of_ours(path: &str, node: &Value) -> bool {
    match families::find(path) {
        // Somebody may have added maps of his own.
        Some((family, Some(_))) if family.path == ATTRIBUTIONS.path => node["attributes"]["attrisweep"].is_object(),
        found => found.is_some(),
    }
}

/// The metadata of a node without what zarr-python adds and what says nothing.
pub(crate) fn plain(node: &Value) -> Value {
    let mut node = node.clone();
    if let Some(fields) = node.as_object_mut() {
        fields.retain(|name, value| match name.as_str() {
            "storage_transformers" => value.as_array().is_none_or(|list| !list.is_empty()),
            "attributes" => value.as_object().is_none_or(|attributes| !attributes.is_empty()),
            "consolidated_metadata" => false,
            _ => true,
        });
    }
    node
}
