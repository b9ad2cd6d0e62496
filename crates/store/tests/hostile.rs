//! Stores that were mutated: described and read back in little memory, whatever they say.

mod common;

use std::num::NonZero;

use hostile::{Meter, below, mutated, survive};
use store::describe;
use sweep::config::Compression;

#[global_allocator]
static METER: Meter = Meter::new();

/// A store of a few kilobytes may take so much: a thread and its stack's first pages, codecs, JSON.
const MOST: usize = 16 << 20;

#[test]
fn a_mutated_store_is_described_and_verified_in_little_memory_and_never_panics() {
    for compression in [Compression::Zstd, Compression::None] {
        let folder = tempfile::tempdir().unwrap();
        let group = common::finished(folder.path(), compression);
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
            // A changed root is not believed unless it is not sealed, as those of earlier builds.
            let root: Result<serde_json::Value, _> = serde_json::from_slice(&whole);
            let unsealed = root.ok().filter(|_| below(random, 2) == 0).map(|mut root| {
                root["attributes"]["attrisweep"].as_object_mut().map(|ours| ours.remove("digest"));
                root.to_string().into_bytes()
            });
            let bytes = mutated(unsealed.as_ref().unwrap_or(&whole), random);
            std::fs::write(&file, common::with_checksums(bytes, random)).unwrap();
            if let Ok(Some(described)) = describe(&group.store) {
                let _ = store::verify::verify(&described, None, NonZero::<usize>::MIN);
            }
            std::fs::write(&file, whole).unwrap();
        });
    }
}
