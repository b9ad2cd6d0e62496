//! A small store, and its parts.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use half::f16;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use store::{Data, FORMATS, Facts, Labels, Shards, attribution, create, finish, name, underflow};
use sweep::config::Compression;
use sweep::fingerprint;
use sweep::group::Group;
use sweep::variant::Variant;
use testkit::hostile::below;

pub(crate) fn variant(key: &str, steps: u64) -> Variant {
    let parameters = serde_json::from_value(json!({"n_steps": steps})).unwrap();
    Variant { parameters, ..testkit::group::variant(key, "IntegratedGradients") }
}

/// Five images of 1x2x2 pixels in shards of two: the last shard is short.
pub(crate) fn group(folder: &Path, seed: u64, variants: Vec<Variant>) -> Group {
    testkit::group::group()
        .content(json!("data"))
        .weights_sha256("00")
        .store(folder.join("s.zarr"))
        .images(5, 2)
        .shape([1, 2, 2])
        .classes(3)
        .variants(variants)
        .seed(seed)
        .build()
}

pub(crate) fn facts(group: &Group) -> Facts {
    Facts { fingerprint: fingerprint::of_group(group), provenance: json!({}) }
}

/// A store of one variant in which nothing is written yet.
pub(crate) fn made(folder: &Path) -> Group {
    let group = group(folder, 1, vec![variant("IG", 50)]);
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    group
}

pub(crate) fn labels() -> Labels {
    Labels { width: 1, classes: BTreeSet::from([0, 2]) }
}

/// Image i of the test holds the values 4i, 4i + 1, ...
pub(crate) fn fill(group: &Group, shard: u64) {
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    let range = group.range(shard);
    let n = (range.end - range.start) as usize;
    let pixels: Vec<f32> = (range.start * 4..range.end * 4).map(|value| value as f32).collect();
    shards.put(name::LABELS, shard, Data::Int64(vec![0; n])).unwrap();
    shards.put(name::INDICES, shard, Data::Int64(range.map(|i| i as i64).collect())).unwrap();
    shards.put(name::PREDICTIONS, shard, Data::Float32(vec![0.5; n * 3])).unwrap();
    shards.put(&underflow("IG"), shard, Data::Float32(vec![0.0; n])).unwrap();
    let maps = pixels.iter().map(|value| f16::from_f32(*value)).collect();
    shards.put(name::IMAGES, shard, Data::Float32(pixels)).unwrap();
    shards.put(&attribution("IG"), shard, Data::Float16(maps)).unwrap();
}

/// A store in which everything is written.
pub(crate) fn finished(folder: &Path, compression: Compression) -> Group {
    let group = group(folder, 1, vec![variant("IG", 50)]);
    create(&group, &facts(&group), &labels(), compression, "run").unwrap();
    (0..3).for_each(|shard| fill(&group, shard));
    put_means(&group);
    finish(&group, &facts(&group), "run").unwrap();
    group
}

/// A finished store in `format`, and the group as it lies there.
pub(crate) fn packed(folder: &Path, format: &str) -> Group {
    let group = finished(folder, Compression::Zstd);
    let place = FORMATS.pack(&group.store, FORMATS.named(format).unwrap()).unwrap();
    Group { store: place, ..group }
}

/// Every file of the store, with its bytes.
pub(crate) fn contents(group: &Group) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut folders, mut files) = (vec![group.store.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Mean images as they stand in a store that is marked complete.
pub(crate) fn put_means(group: &Group) {
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    for mean in ["overall", "class_0", "class_2"] {
        shards.put(&format!("means/{mean}"), 0, Data::Float32(vec![0.0; 4])).unwrap();
    }
}

/// Half of the time with good checksums at the end of the whole and of the first 40 bytes before it: what an attacker
/// would see to.
pub(crate) fn with_checksums(mut bytes: Vec<u8>, random: &mut ChaCha8Rng) -> Vec<u8> {
    if below(random, 2) == 0 && bytes.len() > 4 && bytes.first() != Some(&b'{') {
        let end = bytes.len() - 4;
        // Of a shard only its index has the last checksum: two chunks of 16 bytes.
        let start = if below(random, 2) == 0 { 0 } else { end.saturating_sub(32) };
        let crc = crc32c::crc32c(&bytes[start..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&crc);
    }
    bytes
}
