//! What computed the maps of a store is known whoever died, and whenever.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

mod common;

use std::fs;
use std::num::NonZero;

use store::verify::verify;
use store::{Shards, create, describe, finish};
use sweep::computed_by::{ComputedBy, Isa, Path};
use sweep::config::Compression;

use common::{facts, finished, labels, made};

fn device(path: Path) -> ComputedBy {
    ComputedBy { device: "a processor".into(), isa: Some(Isa::Avx2), driver: None, path }
}

fn notes(store: &std::path::Path) -> usize {
    let names = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".computed_by.")).count()
}

#[test]
fn a_note_is_believed_before_the_root_says_the_same_and_goes_once_the_store_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    let (lowered, plain) = (device(Path::Lowered), device(Path::Plain));
    assert!(shards.note_device(&lowered).unwrap() > 0);
    assert_eq!(shards.note_device(&lowered).unwrap(), 0, "it says so already");
    // The scheduler died here: the next one makes the store anew, and does not compute.
    create(&group, &facts(&group), &labels(), Compression::Zstd, "next").unwrap();
    shards.note_device(&plain).unwrap();
    let told = || describe(&group.store).unwrap().unwrap().computed_by.into_iter().collect::<Vec<_>>();
    assert_eq!((told(), notes(&group.store)), (vec![plain.clone(), lowered.clone()], 2));
    finish(&group, &facts(&group), "next").unwrap();
    assert_eq!((told(), notes(&group.store)), (vec![plain, lowered.clone()], 0));
    // A worker that was taken for dead goes on, with another unit.
    let mut shards = Shards::open(group.store.clone(), "run-2".into());
    assert_eq!((shards.note_device(&lowered).unwrap(), notes(&group.store)), (0, 0));
}

#[test]
fn a_note_that_is_torn_says_nothing_and_no_note_is_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let group = finished(folder.path(), Compression::Zstd);
    fs::write(group.store.join(".computed_by.0123456789abcdef"), "{\"device\": \"a pro").unwrap();
    fs::write(group.store.join(".computed_by.of_somebody"), "{}").unwrap();
    let described = describe(&group.store).unwrap().unwrap();
    assert!(described.computed_by.is_empty());
    let strangers = verify(&described, None, NonZero::<usize>::MIN).unwrap().strangers;
    assert_eq!(strangers, [group.store.join(".computed_by.of_somebody")]);
}
