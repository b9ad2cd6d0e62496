//! Seal of a root and of its copy: a digest of the attributes and nodes of this program. Other programs may add their own.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::facts::{BEGUN, EVALUATION, PREPROCESSING};
use crate::families::{self, ATTRIBUTIONS};

/// Names under `attrisweep` in the root's attributes. Earlier builds wrote some of them only.
const FIELDS: [&str; 9] =
    ["complete", "variants", "fingerprint", PREPROCESSING, "provenance", "computed_by", EVALUATION, BEGUN, "digest"];

/// Attributes of a root that this program writes, in this build or an earlier one.
const ATTRIBUTES: [&str; 7] =
    ["description", "data_flag", "model_flag", "noise_name", "split", "zarr_version", "attrisweep"];

pub(crate) fn is_ours(node: &Value) -> bool {
    node["attributes"]["attrisweep"].is_object()
}

/// `node` without the attributes of other programs.
pub(crate) fn bare(mut node: Value) -> Value {
    if let Some(attributes) = node["attributes"].as_object_mut() {
        attributes.retain(|name, _| ATTRIBUTES.contains(&name.as_str()));
    }
    node
}

/// `node` together with the attributes of other programs in `found`.
pub(crate) fn with_others(mut node: Value, found: &Value) -> Value {
    let others = found["attributes"].as_object().into_iter().flatten();
    for (name, value) in others.filter(|(name, _)| !ATTRIBUTES.contains(&name.as_str())) {
        node["attributes"][name] = value.clone();
    }
    node
}

/// Whether the attributes of other programs in `node` can be told from its own. Of a damaged node they can as long as it has all of its
/// own: one that is missing may be there under a name that a fault has changed.
pub(crate) fn tells_others(node: &Value) -> bool {
    broken(node).is_none() || ATTRIBUTES.iter().all(|name| node["attributes"].get(name).is_some())
}

/// Reason for which a root of this program, or its copy, cannot be believed.
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

/// SHA-256 of the attributes and nodes of this program in `node`, without the digest and whatever their order: zarr-python writes
/// the whole root anew when it adds an attribute.
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

/// SHA-256 of all of `node` in the order of the file, as earlier builds computed the digest.
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
        // The same of stores that were sealed before there were evaluations; what is evaluated stands in the root.
        Some((family, _)) if family.is_of_evaluation() => false,
        found => found.is_some(),
    }
}

/// Metadata of a node without fields that zarr-python adds and empty fields.
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
