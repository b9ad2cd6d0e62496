//! Variants and scores of other configs: a store that has them for every shard goes on telling of them.

use serde_json::Value;
use sweep::evaluation::{Evaluation, Measurement, Of, Score};
use sweep::group::Group;
use sweep::variant::Variant;

use crate::families;
use crate::metadata::describe::describe;
use crate::metadata::facts::BEGUN;
use crate::metadata::inspect::evaluation_of;
use crate::shards::present;

/// Scores that the root told of before, and of which the store is not told to have all: what there is of them must not be taken for
/// another score of the same name.
pub(super) fn begun(ours: &Value, evaluation: &Evaluation) -> Vec<Score> {
    let mut begun: Vec<Score> = serde_json::from_value(ours[BEGUN].clone()).unwrap_or_default();
    for score in evaluation_of(ours).scores {
        if begun.iter().all(|known| known.key != score.key) {
            begun.push(score);
        }
    }
    begun.retain(|score| evaluation.scores.iter().all(|known| known.key != score.key));
    begun
}

/// Evaluation of `group`, and scores of other configs that the store has for every shard: it goes on telling of them. Methods
/// that are all of those of `group` are named where the store has variants of other configs.
pub(super) fn with_others(group: &Group, has_other_variants: bool) -> Evaluation {
    let mut all = group.evaluation.clone();
    if has_other_variants {
        let keys: Vec<String> = group.variants.iter().map(|variant| variant.key.clone()).collect();
        let of_measurements = all.measurements.iter_mut().map(|measurement| &mut measurement.of);
        for of in of_measurements.chain(all.scores.iter_mut().map(|score| &mut score.of)).filter(|of| **of == Of::All) {
            *of = Of::Some(keys.clone());
        }
    }
    let Ok(Some(stored)) = describe(&group.store) else { return all };
    let Evaluation { measurements, scores } = &stored.group.evaluation;
    if scores.is_empty() {
        return all;
    }
    let Ok(ledger) = present(&Group { images: group.images, ..stored.group.clone() }) else { return all };
    let is_whole = |array: &str| (0..group.shards()).all(|shard| ledger.has(array, shard));
    for score in scores {
        let needed: Vec<&Measurement> =
            measurements.iter().filter(|known| score.measurements.contains(&known.key)).collect();
        let is_scored = |variant: &&Variant| {
            let is_measured = |known: &&Measurement| match known.of {
                Of::Image => is_whole(&families::measurement(&known.key, None)),
                _ => known.of.has(variant) && is_whole(&families::measurement(&known.key, Some(&variant.key))),
            };
            score.of.has(variant)
                && is_whole(&families::score(&score.key, &variant.key))
                && needed.iter().all(is_measured)
        };
        // All methods were those of the config that asked.
        let methods: Vec<String> =
            stored.group.variants.iter().filter(is_scored).map(|variant| variant.key.clone()).collect();
        if !methods.is_empty() {
            let named = |of: &Of| if *of == Of::Image { Of::Image } else { Of::Some(methods.clone()) };
            let measurements = needed.iter().map(|known| Measurement { of: named(&known.of), ..(*known).clone() });
            let scores = vec![Score { of: named(&score.of), ..score.clone() }];
            join(&mut all, Evaluation { measurements: measurements.collect(), scores });
        }
    }
    all
}

/// Adds `other` to `all`, which has the word on what both have.
fn join(all: &mut Evaluation, other: Evaluation) {
    for more in other.measurements {
        match all.measurements.iter_mut().find(|known| known.key == more.key) {
            Some(known) => known.of = known.of.and(&more.of),
            None => all.measurements.push(more),
        }
    }
    for more in other.scores {
        match all.scores.iter_mut().find(|known| known.key == more.key) {
            Some(known) => known.of = known.of.and(&more.of),
            None => all.scores.push(more),
        }
    }
}

/// Variants that the store has for every shard, and that another config asked for than that of `group`.
pub(super) fn whole_others(group: &Group) -> Vec<String> {
    let Ok(Some(stored)) = describe(&group.store) else { return Vec::new() };
    let ours = |variant: &Variant| group.variants.iter().any(|asked| asked.key == variant.key);
    let others = stored.group.variants.iter().filter(|variant| stored.asked.contains(&variant.key) && !ours(variant));
    let others = Group { variants: others.cloned().collect(), ..group.clone() };
    let Ok(ledger) = present(&others) else { return Vec::new() };
    let is_whole = |variant: &&Variant| (0..others.shards()).all(|shard| ledger.has_variant(&others, variant, shard));
    others.variants.iter().filter(is_whole).map(|variant| variant.key.clone()).collect()
}
