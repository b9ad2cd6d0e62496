//! Attribute by which readers that know nothing of this program notice that a store is unfinished.
//!
//! zarr-python and xarray take fill values for what is not there, without a word. The attribute stands beside the title of the store, at
//! its root and at the group of its maps, and goes once the store is complete. It is outside of the seal: nothing is decided by it.

use serde_json::Value;

/// Name of the attribute.
pub(crate) const NAME: &str = "unfinished";

/// Text of the attribute.
const TEXT: &str =
    "this store is still being computed: maps and images that are missing read as NaN, labels and indices as -1";

/// Adds the attribute to `node`, or takes it from the node of a store that is `complete`.
pub(crate) fn mark(node: &mut Value, complete: bool) {
    let Some(attributes) = node["attributes"].as_object_mut() else { return };
    attributes.shift_remove(NAME);
    if !complete {
        attributes.insert(NAME.to_owned(), TEXT.into());
    }
}
