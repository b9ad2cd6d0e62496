//! Stores that were mutated: described and read back in little memory, whatever they say.

mod common;

use std::num::NonZero;

use hostile::{Meter, below, mutated, survive};
use store::{create, describe, finish};
use sweep::config::Compression;

#[global_allocator]
static METER: Meter = Meter::new();

/// A store of a few kilobytes may take so much: a thread and its stack's first pages, codecs, JSON.
const MOST: usize = 16 << 20;

#[test]
fn a_mutated_store_is_described_and_verified_in_little_memory_and_never_panics() {
    for compression in [Compression::Zstd, Compression::None] {
        let folder = tempfile::tempdir().unwrap();
        let group = common::group(folder.path(), 1, vec![common::variant("IG", 50)]);
        create(&group, &common::facts(&group), &common::labels(), compression, "run").unwrap();
        (0..3).for_each(|shard| common::fill(&group, shard));
        common::put_means(&group);
        finish(&group, &common::facts(&group), "run").unwrap();
        let files = [
            "zarr.json",
            "images/zarr.json",
            "attributions/IG/zarr.json",
            "labels/zarr.json",
            "images/c.0.0.0.0",
            "attributions/IG/c.1.0.0.0",
            "labels/c.2",
            "model_predictions/c.0.0",
            "means/overall/c.0.0.0",
        ];
        survive(&METER, MOST, |random| {
            let file = group.store.join(files[below(random, files.len())]);
            let whole = std::fs::read(&file).unwrap();
            std::fs::write(&file, common::with_checksums(mutated(&whole, random), random)).unwrap();
            if let Ok(Some(described)) = describe(&group.store) {
                let _ = store::verify::verify(&described, None, NonZero::<usize>::MIN);
            }
            std::fs::write(&file, whole).unwrap();
        });
    }
}
