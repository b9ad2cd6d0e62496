//! Recognising the experiment of a config by keys that no other experiment has.

use super::{DECORR, DENSENET_IMAGENET, Experiment, RESNET_IMAGENET};
use crate::yaml::{Fields, Node, Value};

/// Key that only the experiment with weights for each method has.
pub(super) const DECORR_ROOT: &str = "`paths.decorr_weights_root`";

/// The experiment of the config whose top level is `fields`, and what the config has that no other experiment has.
///
/// The two experiments on MedMNIST have the same keys: neither is recognised.
pub(super) fn experiment(fields: &mut Fields<'_>) -> Option<(&'static Experiment, &'static str)> {
    let (paths, space) = (fields.node("paths"), fields.node("search_space"));
    let in_paths = |key: &str| paths.is_some_and(|paths| paths.get(key).is_some());
    if fields.has("settings") {
        return Some((&DENSENET_IMAGENET, "`settings`"));
    }
    if in_paths("output_root_dir") {
        return Some((&DENSENET_IMAGENET, "`paths.output_root_dir`"));
    }
    if fields.node("model_method_mapping").is_some_and(|node| !node.value.is_empty()) {
        return Some((&DECORR, "`model_method_mapping`"));
    }
    if in_paths("decorr_weights_root") {
        return Some((&DECORR, DECORR_ROOT));
    }
    let flags = space.and_then(|space| space.get("data_flags")).map(|node| &node.value);
    let imagenet = matches!(flags, Some(Value::List(flags)) if matches!(&flags[..], [Node { value: Value::Text(flag), .. }] if flag == "imagenet"));
    // Folders under the names that count for every kind of dataset are of no script.
    let own = in_paths("weights_root") || in_paths("data_root");
    (imagenet && !own && (in_paths("imagenet_weights_root") || in_paths("medmnist_weights_root")))
        .then_some((&RESNET_IMAGENET, "`data_flags` of `imagenet` alone"))
}
