//! Files of results: kept, put aside, and written by two processes at once.

use super::*;

#[test]
fn the_results_hold_what_fits_every_device_and_what_they_held_before() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let file = folder.path().join(RESULTS);
    std::fs::write(&file, r#"{"m": {"A": 3, "Z": 7}, "other": {"A": 1}}"#).unwrap();
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "large", 96, Bound::Memory));
    known.put(entry(&group, "small", 24, Bound::Memory));
    known.put(Entry { program: "attrisweep 0.0.1".into(), ..entry(&group, "stale", 1, Bound::Memory) });
    known.save_results().unwrap();
    let found: Results = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let expected = r#"{"m": {"A": 24, "Z": 7}, "other": {"A": 1}}"#;
    assert_eq!(found, serde_json::from_str(expected).unwrap());
}

#[test]
fn two_processes_that_measure_at_once_keep_what_the_other_has_found() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (mut first, mut second) = (batches(folder.path(), ""), batches(folder.path(), ""));
    let other = |batch| {
        let entry = entry(&group, "x", batch, Bound::Memory);
        Entry { of: Subject { key: "B".into(), ..entry.of.clone() }, ..entry }
    };
    for (of, entry) in [(0, entry(&group, "x", 4, Bound::Memory)), (1, other(8)), (1, other(16))] {
        let batches = [&mut first, &mut second].into_iter().nth(of).unwrap();
        batches.put(entry);
        batches.save().unwrap();
        batches.save_results().unwrap();
    }
    // Of the same it is the last that was measured, and not the last that was written.
    first.save().unwrap();
    let read = batches(folder.path(), "");
    let mut found: Vec<_> = read.profile().current().map(|entry| (entry.of.key.as_str(), entry.batch)).collect();
    found.sort_unstable();
    assert_eq!(found, [("A", 4), ("B", 16)]);
    let file = std::fs::read_to_string(folder.path().join(RESULTS)).unwrap();
    assert_eq!(
        serde_json::from_str::<Results>(&file).unwrap(),
        serde_json::from_str(r#"{"m": {"A": 4, "B": 16}}"#).unwrap()
    );
}

#[test]
fn results_that_are_no_results_are_told_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(RESULTS), "{").unwrap();
    let (_, warnings) = Batches::read(&config(folder.path(), ""), "2.11.0");
    assert!(warnings[0].contains("preflight_results.json` cannot be used (cut off"), "{warnings:?}");
}

#[test]
fn results_that_are_no_results_are_put_aside_before_there_are_new_ones() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let file = folder.path().join(RESULTS);
    std::fs::write(&file, "{\"m\": {\"A\": 7").unwrap();
    let (mut known, _) = Batches::read(&config(folder.path(), ""), "2.11.0");
    known.save_results().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"m\": {\"A\": 7", "there are none");
    known.put(entry(&group, "x", 24, Bound::Memory));
    for _ in 0..2 {
        known.save_results().unwrap();
        let aside = folder.path().join("preflight_results.json.damaged");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"m\": {\"A\": 7");
    }
    assert_eq!(batches(folder.path(), "").results["m"]["A"], 24);
}

/// The reference's results may be of a GPU elsewhere, and have taken an afternoon.
#[test]
fn numbers_of_others_are_kept_in_a_copy_before_they_are_replaced() {
    let (folder, group) = (tempfile::tempdir().unwrap(), group(64));
    let (file, kept) = (folder.path().join(RESULTS), folder.path().join("preflight_results.json.kept"));
    let theirs = "{\"m\": {\"B\": 9}, \"other\": {\"A\": 1536}}";
    std::fs::write(&file, theirs).unwrap();
    let mut known = batches(folder.path(), "");
    known.put(entry(&group, "x", 24, Bound::Memory));
    known.save_results().unwrap();
    assert!(!kept.exists(), "a number was added, and none replaced");
    let before = std::fs::read_to_string(&file).unwrap();
    for batch in [20, 12] {
        known.put(entry(&group, "x", batch, Bound::Memory));
        known.save_results().unwrap();
        assert_eq!(batches(folder.path(), "").results["m"]["A"], batch);
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), before, "the first ones");
    }
    assert_eq!(batches(folder.path(), "").results["other"]["A"], 1536);
}
