//! Stores as they are before a sweep: of the same numbers, and complete or not.

mod format;
pub(crate) mod theirs;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use store::formats::Entry;
use store::{FORMATS, Facts, LAYERS, Labels, SUFFIX, StoreError};
use sweep::config::Reference;
use sweep::fingerprint;
use sweep::group::Group;
use sweep::variant::Variant;

use crate::checked::Planned;
use crate::exit::{Code, Failure};
pub(super) use format::format;

/// Compares the store of `group` with the config, whose stores are to have `format` once they are finished and whose experiment is
/// `reference`. `layers` gives the layer that each variant looks at which names none.
pub(super) fn planned(
    group: Group,
    labels: Labels,
    (libtorch, layers): (&str, Option<&BTreeMap<String, String>>),
    (format, reference): (&Entry, Option<Reference>),
) -> Result<Planned, StoreError> {
    let program = format!("attrisweep {}", env!("CARGO_PKG_VERSION"));
    let mut provenance = json!({"program": program, "libtorch": libtorch, "weights": group.input.weights, "images": group.input.images_file});
    let own = |variant: &Variant| Some((variant.key.clone(), json!(variant.weights.as_ref()?.file)));
    let own: serde_json::Map<_, _> = group.variants.iter().filter_map(own).collect();
    if !own.is_empty() {
        provenance["weights"] = json!(own);
    }
    if !group.suffix.is_empty() {
        provenance[SUFFIX] = json!(group.suffix);
    }
    if let Some(layers) = layers.filter(|layers| !layers.is_empty()) {
        provenance[LAYERS] = json!(layers);
    }
    if let Some(reference) = reference {
        provenance["reference"] = json!(reference.experiment.name);
    }
    let facts = Facts { fingerprint: fingerprint::of_group(&group), provenance };
    let complete = store::inspect(&group, &facts)?.unwrap_or(false);
    FORMATS.check_goal(&FORMATS.folder(&group.store), format)?;
    Ok(Planned { group: Arc::new(group), facts, labels, complete })
}

/// Refuses to go on while stores stand in the way, and names all of them.
pub(crate) fn refuse(errors: Vec<StoreError>) -> Result<(), Failure> {
    let failures: Vec<Failure> = errors.into_iter().map(Failure::from).collect();
    let Some(first) = failures.first() else { return Ok(()) };
    let advice = "go on with the old config, or move the store away or choose another final_output_dir";
    let told = failures.iter().map(|failure| failure.text.clone()).collect::<Vec<_>>().join("\n  ");
    let text = if first.code == Code::Mismatch { format!("{told}\n  ({advice})") } else { told };
    Err(Failure { code: first.code, text })
}
