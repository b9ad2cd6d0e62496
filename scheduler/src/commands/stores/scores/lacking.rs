//! Scores that a config asks for and a store does not have: the store was evaluated for another config, or for less of this one.

use std::collections::BTreeSet;

use evaluation::ask;
use plan::exit::Failure;
use store::Described;
use sweep::config::Config;
use sweep::evaluation::Score;
use sweep::problem::Problems;
use sweep::variant::Variant;

use crate::commands::survey::Surveyed;

/// Checks the metrics of `config` by themselves, for images of the shapes that the stores have.
pub(super) fn check(config: &Config, stores: &[Surveyed]) -> Result<(), Failure> {
    let mut problems = Problems::new(&config.file);
    let described = stores.iter().filter_map(|store| store.state.as_ref().ok()?.as_deref());
    let shapes: BTreeSet<[usize; 3]> = described.map(|described| described.group.shape).collect();
    for shape in shapes {
        // No map is known, so that a pattern fits whatever is named.
        ask::evaluation(&config.evaluation, (&[], Some("")), shape, &mut problems);
    }
    Ok(problems.into_result()?)
}

/// What `config` asks of the store and the store `described` does not have, each in a few words.
pub(super) fn lacking(config: &Config, surveyed: &Surveyed, described: &Described) -> Vec<String> {
    let group = &described.group;
    let is_there = |key: &String| described.asked.contains(key) && group.variants.iter().any(|of| of.key == *key);
    let methods = surveyed.keys.iter().filter(|key| !is_there(key)).map(|key| format!("maps of {key}"));
    let images = surveyed.images.filter(|images| *images > group.images);
    let images = images.map(|images| format!("images {} to {}", group.images, images - 1));
    let of_config = |variant: &&Variant| surveyed.keys.contains(&variant.key);
    let variants: Vec<Variant> = group.variants.iter().filter(of_config).cloned().collect();
    // Mistakes were told before; what fits no map of this store is told as the map that is missing. The digest of masks is in no key.
    let mut ignored = Problems::new(&config.file);
    let asked = ask::evaluation(&config.evaluation, (&variants, Some("")), group.shape, &mut ignored);
    let scores = asked.scores.iter().filter(|score| is_missing(score, &group.evaluation.scores, &variants));
    methods.chain(scores.map(|score| score.key.clone())).chain(images).collect()
}

/// Whether `stored` has no score as the `asked` one, or has it for fewer of `variants`.
fn is_missing(asked: &Score, stored: &[Score], variants: &[Variant]) -> bool {
    let mut wanted = variants.iter().filter(|variant| asked.of.has(variant)).peekable();
    if wanted.peek().is_none() {
        return false;
    }
    let same = stored.iter().find(|score| score.key == asked.key && score.class == asked.class);
    same.is_none_or(|score| wanted.any(|variant| !score.of.has(variant)))
}
