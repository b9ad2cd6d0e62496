//! Files of a store that are damaged: each is found, and metadata is made anew with the bytes that it had.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use store::verify::{Truth, verify};
use store::{StoreError, create, describe, finish, inspect};
use sweep::config::Compression;
use sweep::group::Group;

use common::{contents, facts, finished, labels};
use testkit::hostile::below;

/// Rounds of one flipped byte in each file.
const ROUNDS: u64 = 8;

/// Files of which something is told, the root first; `None` for a store that is refused as a whole.
fn told(group: &Group) -> Option<Vec<PathBuf>> {
    let described = describe(&group.store).ok().flatten()?;
    let truth = Truth { width: 1, labels: vec![0; group.images as usize] };
    let report = verify(&described, Some(&truth), NonZero::<usize>::MIN).ok()?;
    Some(report.findings.into_iter().map(|finding| finding.file).collect())
}

/// The store whose images are its means, so that all of it is sound.
fn sound(compression: Compression) -> (tempfile::TempDir, Group) {
    let folder = tempfile::tempdir().unwrap();
    let group = finished(folder.path(), compression);
    (folder, group)
}

/// What the next run does about metadata; the files that it made anew.
fn made_anew(group: &Group) -> Vec<PathBuf> {
    assert_eq!(inspect(group, &facts(group)).unwrap(), Some(false), "it must not pass for complete");
    // Compressed as it was, whatever the config says now.
    let mended = create(group, &facts(group), &labels(), Compression::None, "run").unwrap();
    finish(group, &facts(group), "run").unwrap();
    mended
}

#[test]
fn a_byte_that_flips_in_any_file_is_found_or_says_the_same() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for compression in [Compression::Zstd, Compression::None] {
        let (_folder, group) = sound(compression);
        let known = told(&group).unwrap();
        for (file, whole) in contents(&group) {
            // The test's means are no means: they are told whatever happens to them.
            if known.contains(&file) {
                continue;
            }
            // Most of the root is consolidated, and found by comparison: the rest is to be hit too.
            let rounds = if file == group.store.join("zarr.json") { 20 * ROUNDS } else { ROUNDS };
            for _ in 0..rounds {
                let (at, by) = (below(&mut random, whole.len()), 1 + below(&mut random, 255) as u8);
                let mut flipped = whole.clone();
                flipped[at] ^= by;
                fs::write(&file, &flipped).unwrap();
                let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
                let is_same = json(&whole).is_some() && json(&flipped) == json(&whole);
                let found = told(&group).is_none_or(|files| files.contains(&file));
                assert!(found || is_same, "{} at {at} by {by}", file.display());
            }
            fs::write(&file, &whole).unwrap();
        }
        assert_eq!(told(&group).unwrap(), known);
    }
}

/// What may have become of a file.
type Harm = fn(&mut Vec<u8>);

#[test]
fn damaged_metadata_is_made_anew_by_name_with_the_bytes_that_it_had() {
    let harms: [(&str, Harm); 4] = [
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
        ("emptied", Vec::clear),
        ("zeroed", |bytes| bytes.fill(0)),
        ("of something else", |bytes| {
            *bytes = json!({"zarr_format": 3, "node_type": "group"}).to_string().into_bytes();
        }),
    ];
    let (_folder, group) = sound(Compression::Zstd);
    let before = contents(&group);
    for (name, harm) in harms {
        let metadata: Vec<_> = before.iter().filter(|(file, _)| file.ends_with("zarr.json")).collect();
        for (file, whole) in metadata {
            let mut bytes = whole.clone();
            harm(&mut bytes);
            fs::write(file, bytes).unwrap();
            assert!(told(&group).unwrap().contains(file), "{name}: {}", file.display());
            let is_group =
                file.parent().is_some_and(|folder| folder.ends_with("means") || folder.ends_with("underflow"));
            let mended = made_anew(&group);
            assert!(
                mended.contains(file) || is_group || name == "of something else",
                "{name}: {}: {mended:?}",
                file.display()
            );
            assert!(contents(&group) == before, "{name}: {}", file.display());
        }
    }
}

#[test]
fn a_root_that_is_lost_is_made_anew_from_its_copy_and_no_shard_is_touched() {
    let (_folder, group) = sound(Compression::Zstd);
    let before = contents(&group);
    let root = group.store.join("zarr.json");
    fs::remove_file(&root).unwrap();
    assert!(!describe(&group.store).unwrap().unwrap().complete);
    assert!(told(&group).unwrap().contains(&root));
    assert_eq!(made_anew(&group), [root]);
    assert!(contents(&group) == before);
}

/// What the numbers were made of is a fact of the store, whoever edits it.
#[test]
fn an_edited_fact_is_no_other_fact() {
    let (_folder, group) = sound(Compression::Zstd);
    let before = contents(&group);
    for (file, from, to) in [
        ("zarr.json", "\"seed\": 1", "\"seed\": 2"),
        ("zarr.json", "\"digest\"", "\"dogest\""),
        ("zarr.json", "noise clean", "noise other"),
        ("attributions/IG/zarr.json", "\"n_steps\": 50", "\"n_steps\": 51"),
        ("attributions/zarr.json", "\"seed\": 1", "\"seed\": 2"),
    ] {
        let file = group.store.join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{}: {text}", file.display());
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        assert!(told(&group).unwrap().contains(&file), "{to}");
        made_anew(&group);
        assert!(contents(&group) == before, "{to}");
    }
}

/// Attributes of others can be told in a root that has all of its own; else a flipped name would pass for one of theirs.
#[test]
fn attributes_that_somebody_added_outlive_a_root_that_is_made_anew() {
    let (_folder, group) = sound(Compression::Zstd);
    let root = group.store.join("zarr.json");
    let mut noted: Value = serde_json::from_slice(&fs::read(&root).unwrap()).unwrap();
    noted["attributes"]["note"] = "mine".into();
    fs::write(&root, format!("{noted:#}\n")).unwrap();
    let before = contents(&group);
    for (from, to, outlives) in
        [("\"seed\": 1", "\"seed\": 2", true), ("\"digest\"", "\"dogest\"", true), ("\"split\"", "\"splot\"", false)]
    {
        let text = String::from_utf8(before[&root].clone()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&root, text.replacen(from, to, 1)).unwrap();
        assert!(told(&group).unwrap().contains(&root), "{to}");
        assert!(made_anew(&group) == std::slice::from_ref(&root), "{to}");
        let text = fs::read_to_string(&root).unwrap();
        assert!(text.contains("\"note\": \"mine\"") == outlives && !text.contains(to), "{to}: {text}");
        assert!(!outlives || contents(&group) == before, "{to}");
    }
}

#[test]
fn a_store_whose_root_and_copy_are_damaged_is_refused_and_left_alone() {
    let (_folder, group) = sound(Compression::Zstd);
    for file in ["zarr.json", "attributions/zarr.json"] {
        fs::write(group.store.join(file), "{").unwrap();
    }
    let before = contents(&group);
    let error = inspect(&group, &facts(&group)).unwrap_err();
    assert!(matches!(error, StoreError::Headless { .. }) && error.to_string().contains("move it away"), "{error}");
    assert!(describe(&group.store).is_err());
    assert!(contents(&group) == before);
}

#[test]
fn what_somebody_put_into_a_store_is_told_and_is_no_fault_of_it() {
    let (_folder, group) = sound(Compression::Zstd);
    let (before, known) = (contents(&group), told(&group).unwrap());
    let mine = ["notes.txt", "images/c.9.0.0.0", "images/c.1.0.0.0.bak"].map(|name| group.store.join(name));
    for file in &mine {
        fs::write(file, "x").unwrap();
    }
    fs::create_dir(group.store.join("mine")).unwrap();
    fs::write(group.store.join("mine/zarr.json"), r#"{"zarr_format": 3, "node_type": "group"}"#).unwrap();
    // A note on one of our arrays is its owner's business, once the root tells it too.
    let images = group.store.join("images/zarr.json");
    let mut noted: Value = serde_json::from_slice(&before[&images]).unwrap();
    noted["attributes"]["note"] = "mine".into();
    fs::write(&images, noted.to_string()).unwrap();
    let report =
        |group: &Group| verify(&describe(&group.store).unwrap().unwrap(), None, NonZero::<usize>::MIN).unwrap();
    let strangers = report(&group).strangers;
    assert_eq!(strangers.len(), 4, "{strangers:?}");
    assert!(mine.iter().all(|file| strangers.contains(file)));
    assert!(told(&group).unwrap().contains(&group.store.join("zarr.json")));
    assert_eq!(made_anew(&group), [""; 0].map(PathBuf::from));
    assert_eq!(told(&group).unwrap(), known);
    assert!(fs::read_to_string(&images).unwrap().contains("note"));
}

/// Stores of earlier builds have no seal and no copy.
#[test]
fn a_store_without_a_seal_is_gone_on_with_and_sealed() {
    let (_folder, group) = sound(Compression::Zstd);
    let before = contents(&group);
    let file = group.store.join("zarr.json");
    let plain = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
    fs::write(group.store.join("attributions/zarr.json"), plain.to_string()).unwrap();
    let mut root: Value = serde_json::from_slice(&before[&file]).unwrap();
    root["attributes"]["attrisweep"].as_object_mut().unwrap().shift_remove("digest");
    root["consolidated_metadata"]["metadata"]["attributions"] = plain;
    fs::write(&file, root.to_string()).unwrap();
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(true));
    assert!(told(&group).unwrap().iter().all(|file| !file.ends_with("zarr.json")));
    assert_eq!(
        create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap(),
        [""; 0].map(PathBuf::from)
    );
    finish(&group, &facts(&group), "run").unwrap();
    assert!(contents(&group) == before);
}
