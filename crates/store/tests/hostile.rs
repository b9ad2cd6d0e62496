//! Stores that were mutated: described and read back in little memory, whatever they say.

mod common;

use std::num::NonZero;

use store::verify::Fault;
use store::{create, describe};
use sweep::config::Compression;
use sweep::group::Group;
use testkit::hostile::{Meter, below, mutated, survive};

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

/// Shards that are nothing but an index, which says that none of 65536 images is there: two gigabytes of NaN for whoever unfolds
/// them. Of images of 64 px and two channels, 8 share a chunk in single precision and 16 in half.
#[test]
fn a_shard_that_claims_to_be_many_images_is_not_unfolded() {
    let folder = tempfile::tempdir().unwrap();
    let small = common::group(folder.path(), 1, vec![common::variant("IG", 50)]);
    let group = Group { images: 1 << 16, shard: 1 << 16, shape: [2, 64, 64], ..small };
    create(&group, &common::facts(&group), &common::labels(), Compression::Zstd, "run").unwrap();
    let claimed = [("images/c.0.0.0.0", 8), ("attributions/IG/c.0.0.0.0", 16)].map(|(path, together)| {
        let index = vec![0xff; (16 << 16) / together];
        let path = group.store.join(path);
        std::fs::write(&path, [&index[..], &crc32c::crc32c(&index).to_le_bytes()].concat()).unwrap();
        path
    });
    let mut told = None;
    survive(&METER, MOST, |_| {
        told.get_or_insert_with(|| {
            let described = describe(&group.store).unwrap().unwrap();
            store::verify::verify(&described, None, NonZero::<usize>::MIN).unwrap().findings
        });
    });
    for path in claimed {
        let found = told.iter().flatten().find(|finding| finding.file == path).map(|finding| &finding.fault);
        let Some(Fault::Unsound(reason)) = found else { panic!("{}: {found:?}", path.display()) };
        assert!(reason.contains("an image is missing"), "{reason}");
    }
}
