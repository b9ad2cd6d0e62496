//! Fingerprints: the facts that a store was computed from, so that no store ever mixes two sources.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::RESULTS_VERSION;
use crate::group::Group;
use crate::variant::Variant;

/// Named facts that determine every number of a store, or of one variant in it.
pub type Fingerprint = Map<String, Value>;

/// The facts behind images and predictions of `group`.
pub fn of_group(group: &Group) -> Fingerprint {
    let facts = [
        (RESULTS, json!(RESULTS_VERSION)),
        (WEIGHTS, json!(group.input.weights_sha256)),
        ("data", group.input.data.clone()),
        ("images", json!(group.images)),
        ("shape", json!(group.shape)),
        ("noise", json!({"type": group.noise.kind, "params": plain(&group.noise.parameters)})),
        ("seed", json!(group.numerics.seed)),
        ("precision", plain(&group.numerics.precision)),
        ("dtype", plain(&group.numerics.dtype)),
        ("fold_batch_norm", json!(group.numerics.fold_batch_norm)),
        ("shard", json!(group.shard)),
    ];
    // Until CHANGELOG.md says otherwise, the only logit was explained whatever it predicts.
    let one_logit = (group.classes == 1).then(|| (ONE_LOGIT, json!("sign of the predicted class")));
    let draws = group.is_of_chosen_base().then(|| (DRAWS, json!("by the index in the split")));
    let set = group.input.weights_set.as_ref().map(|set| (WEIGHTS_SET, json!(set)));
    // Images and predictions of a base are those of the base, whatever weights explain them: where each variant has its own, the group has none.
    let facts = facts.into_iter().filter(|(name, _)| !(group.has_own_weights() && *name == WEIGHTS));
    facts.chain(one_logit).chain(draws).chain(set).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The facts behind the maps of `variant`, beside those that all variants of `group` share.
///
/// A mean image that is still to be computed is no fact yet: stores are compared again once it is.
pub fn of_variant(group: &Group, variant: &Variant) -> Fingerprint {
    let mean = group.input.mean.as_ref().filter(|_| variant.needs_mean());
    let facts = [
        ("class", json!(variant.class)),
        ("params", plain(&variant.parameters)),
        ("semantics", plain(&variant.semantics)),
    ];
    let mean = mean.map(|mean| ("mean_sha256", json!(mean.sha256)));
    let own = variant.weights.as_ref().map(|own| (WEIGHTS, json!(own.sha256)));
    facts.into_iter().chain(mean).chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A sentence for every fact in which a store and a config differ: `seed is 1 in the store and 2 in the config`.
pub fn differences(stored: &Value, wanted: &Fingerprint) -> Vec<String> {
    let differing = wanted.iter().filter(|(name, value)| stored.get(name.as_str()) != Some(value));
    let sentence = |(name, value): (&String, &Value)| {
        // Nothing in the config says it, and another config would not help.
        let here = if [RESULTS, ONE_LOGIT, DRAWS].contains(&name.as_str()) {
            "this program (CHANGELOG.md)"
        } else {
            "the config"
        };
        match stored.get(name.as_str()) {
            Some(old) => format!("{name} is {old} in the store and {value} in {here}"),
            None => format!("{name} is not recorded in the store and {value} in {here}"),
        }
    };
    // What is a fact only where the config says it may be one of the store's alone.
    let only_stored =
        stored.get(WEIGHTS_SET).filter(|_| wanted.contains_key(RESULTS) && !wanted.contains_key(WEIGHTS_SET));
    let only_stored = only_stored.map(|old| format!("{WEIGHTS_SET} is {old} in the store and not said in the config"));
    differing.map(sentence).chain(only_stored).collect()
}

/// Name of the fact that says which weights were read: of a group, or of a variant that has weights for itself.
pub const WEIGHTS: &str = "weights_sha256";

/// Name of the fact that says which set of weights in a file was read.
pub const WEIGHTS_SET: &str = "weights_set";

/// Name of the fact that depends on the program alone.
const RESULTS: &str = "results_version";

/// Name of the fact of models with a single logit: what of that logit the maps explain.
pub const ONE_LOGIT: &str = "one_logit";

/// Name of the fact of groups whose images are those of a base that has chosen ones: by what their random numbers go.
const DRAWS: &str = "draws";

/// A digest of `facts`, of 32 hexadecimal digits.
pub fn digest(facts: &Value) -> String {
    hex::encode(&Sha256::digest(facts.to_string())[..16])
}

/// The value as JSON. These types hold text and finite numbers only, which always have a JSON form.
fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_where_it_stands() {
        let facts = |seed: u64, version: u32| json!({"seed": seed, RESULTS: version});
        let wanted = facts(2, 9).as_object().cloned().unwrap_or_default();
        assert_eq!(differences(&facts(2, 9), &wanted), [""; 0]);
        assert_eq!(differences(&facts(1, 9), &wanted), ["seed is 1 in the store and 2 in the config"]);
        let with_set = |set: &str| {
            let mut facts = facts(2, 9);
            facts[WEIGHTS_SET] = json!(set);
            facts
        };
        let told = |difference: &str| format!("{WEIGHTS_SET} is {difference} in the config");
        assert_eq!(differences(&with_set("a"), &wanted), [told("\"a\" in the store and not said")]);
        let other = with_set("b").as_object().cloned().unwrap_or_default();
        assert_eq!(differences(&with_set("b"), &other), [""; 0]);
        assert_eq!(differences(&with_set("a"), &other), [told("\"a\" in the store and \"b\"")]);
        assert_eq!(differences(&facts(2, 9), &other), [told("not recorded in the store and \"b\"")]);
        let of_program = "results_version is 3 in the store and 9 in this program (CHANGELOG.md)";
        assert_eq!(differences(&facts(2, 3), &wanted), [of_program]);
    }
}
