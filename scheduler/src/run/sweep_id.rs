//! Identity of a sweep: a scheduler takes workers of an earlier scheduler back only if both run the same sweep.

use plan::Plan;
use sha2::{Digest, Sha256};
use store::FORMATS;
use sweep::fingerprint;

/// Digest of everything that determines the content of units, and of the devices that units are computed on.
pub(crate) fn of(plan: &Plan) -> String {
    let mut digest = Sha256::new();
    for planned in &plan.groups {
        let group = &planned.group;
        let variants = group.variants.iter().map(|variant| (&variant.key, fingerprint::of_variant(group, variant)));
        let facts = (FORMATS.folder(&group.store), fingerprint::of_group(group), variants.collect::<Vec<_>>());
        // They hold text and finite numbers only, which always have a JSON form.
        digest.update(serde_json::to_vec(&facts).unwrap_or_default());
    }
    for slot in &plan.slots {
        digest.update(format!("{}{:?}", slot.name, slot.gpu));
    }
    hex::encode(digest.finalize())
}
