//! What a sample is drawn of, and the order in which it is drawn.

use std::collections::BTreeSet;

use store::verify::files;
use store::{Ledger, name};
use sweep::group::Group;
use sweep::seed::Draw;

use crate::commands::stores::verify::read::Read;

/// Size of a sample, and the threads that compute it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) images: u64,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    /// Seconds for maps, for each store.
    pub(crate) seconds: f64,
}

/// Shards whose images and predictions exist and are sound.
pub(super) fn sound_shards(read: &Read<'_>) -> Vec<u64> {
    let group = &read.described.group;
    let Ok(ledger) = Ledger::read(group) else { return Vec::new() };
    let unsound: BTreeSet<_> = read.report.findings.iter().map(|finding| &finding.file).collect();
    let sound = |shard: &u64| {
        let arrays = [name::IMAGES, name::PREDICTIONS];
        // Of a sound store no file needs to be looked for.
        let is_unsound =
            || files(group, &arrays, *shard).is_ok_and(|paths| paths.iter().any(|file| unsound.contains(file)));
        arrays.iter().all(|array| ledger.has(array, *shard)) && (unsound.is_empty() || !is_unsound())
    };
    (0..group.shards()).filter(sound).collect()
}

/// Orders images or shards by numbers that the seed of `sample` draws.
pub(super) fn drawn(group: &Group, mut all: Vec<u64>, sample: Sample, purpose: &'static str) -> Vec<u64> {
    let number = |index: &u64| {
        let dataset = (group.dataset.as_str(), group.split.as_str());
        let draw = Draw { seed: sample.seed, dataset, image: *index, purpose, draw: 0 };
        rand::Rng::next_u64(&mut draw.generator())
    };
    all.sort_by_cached_key(|index| (number(index), *index));
    all
}
