//! Evaluation of a store: measurements and scores beside its maps.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

#[path = "../common/mod.rs"]
mod common;
mod comparisons;
mod growth;

use std::num::NonZero;
use std::path::Path;

use serde_json::{Value, json};
use store::verify::{variant_files, verify};
use store::{Data, Ledger, Shards, StoreError, create, describe, finish, inspect, measurement, score};
use sweep::config::Compression;
use sweep::evaluation::{Axis, Direction, Evaluation, Measurement, Of, Only, Score};
use sweep::group::Group;
use sweep::parameters::Parameters;

use common::{contents, facts, finished, labels};

/// A curve of each map, runs of each image, and a score of both.
fn evaluation() -> Evaluation {
    let measured = |key: &str, of: Of| Measurement {
        key: key.to_owned(),
        family: key.to_owned(),
        parameters: Parameters::default(),
        axes: vec![Axis { name: "step".to_owned(), size: 3 }],
        of,
    };
    let score = Score {
        key: "Deletion".to_owned(),
        class: "Deletion".to_owned(),
        parameters: Parameters::default(),
        measurements: vec!["curve".to_owned(), "changes".to_owned()],
        of: Of::All,
        direction: Direction::Lower,
        only: Only::All,
    };
    Evaluation { measurements: vec![measured("curve", Of::All), measured("changes", Of::Image)], scores: vec![score] }
}

/// The finished store of the tests, which is to be evaluated, and nothing of that is written.
fn to_evaluate(folder: &Path) -> Group {
    let plain = finished(folder, Compression::Zstd);
    let group = Group { evaluation: evaluation(), ..plain };
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    group
}

fn evaluate(group: &Group, shard: u64) {
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    let range = group.range(shard);
    let n = (range.end - range.start) as usize;
    let undefined = vec![f32::NAN; n];
    shards.put(&measurement("curve", Some("IG")), shard, Data::Float32(vec![0.25; 3 * n])).unwrap();
    shards.put(&measurement("changes", None), shard, Data::Float32(vec![0.5; 3 * n])).unwrap();
    shards.put(&score("Deletion", "IG"), shard, Data::Float32(undefined)).unwrap();
}

fn evaluated(folder: &Path) -> Group {
    let group = to_evaluate(folder);
    (0..3).for_each(|shard| evaluate(&group, shard));
    finish(&group, &facts(&group), "run").unwrap();
    group
}

#[test]
fn a_store_of_before_is_evaluated_and_its_maps_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let plain = finished(folder.path(), Compression::Zstd);
    let before = contents(&plain);
    let group = Group { evaluation: evaluation(), ..plain.clone() };
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(false));
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    let ledger = Ledger::read(&group).unwrap();
    assert!((0..3).all(|shard| ledger.is_done(&group, shard) && !ledger.is_evaluated(&group, shard)));
    (0..2).for_each(|shard| evaluate(&group, shard));
    let ledger = Ledger::read(&group).unwrap();
    assert_eq!([0, 1, 2].map(|shard| ledger.is_evaluated(&group, shard)), [true, true, false]);
    evaluate(&group, 2);
    finish(&group, &facts(&group), "run").unwrap();
    // Those who ask for scores have them, and those who do not have a complete store as well.
    assert_eq!([&group, &plain].map(|group| inspect(group, &facts(group)).unwrap()), [Some(true); 2]);
    let after = contents(&group);
    let changed: Vec<_> = before.iter().filter(|(file, bytes)| after.get(*file) != Some(*bytes)).collect();
    let roots = changed.iter().map(|(file, _)| file.strip_prefix(&group.store).unwrap().display().to_string());
    assert_eq!(roots.collect::<Vec<_>>(), ["attributions/zarr.json", "zarr.json"]);
}

#[test]
fn a_store_says_what_was_evaluated_and_another_metric_makes_it_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    let described = describe(&group.store).unwrap().unwrap();
    assert_eq!(described.group.evaluation, evaluation());
    let mut more = evaluation();
    more.scores.push(Score { key: "Other".to_owned(), ..more.scores[0].clone() });
    let more = Group { evaluation: more, ..group };
    assert_eq!(inspect(&more, &facts(&more)).unwrap(), Some(false));
    let metadata = |path: String| -> Value {
        serde_json::from_slice(&std::fs::read(more.store.join(path).join("zarr.json")).unwrap()).unwrap()
    };
    let curve = metadata(measurement("curve", Some("IG")));
    assert_eq!((&curve["shape"], &curve["dimension_names"]), (&json!([5, 3]), &json!(["sample", "step"])));
    assert_eq!(metadata(score("Deletion", "IG"))["shape"], json!([5]));
}

/// A config without metrics, or with others, writes the root anew, and the scores that are there are not forgotten.
#[test]
fn what_another_config_has_evaluated_stays_known_to_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    let mut others = evaluation();
    others.scores[0].key = "Other".to_owned();
    others.measurements[0].of = Of::Some(vec![group.variants[0].key.clone()]);
    let told = || describe(&group.store).unwrap().unwrap().group.evaluation;
    for asked in [Evaluation::default(), others] {
        let other = Group { evaluation: asked, ..group.clone() };
        create(&other, &facts(&other), &labels(), Compression::Zstd, "run").unwrap();
        let mut shards = Shards::open(group.store.clone(), "run-2".into());
        for (shard, images) in [(0, 2), (1, 2), (2, 1)].into_iter().filter(|_| !other.evaluation.is_empty()) {
            shards.put(&score("Other", "IG"), shard, Data::Float32(vec![0.5; images])).unwrap();
        }
        finish(&other, &facts(&other), "run").unwrap();
        assert!(told().scores.iter().any(|score| score.key == "Deletion"), "{:?}", told());
        assert_eq!([&other, &group].map(|group| inspect(group, &facts(group)).unwrap()), [Some(true); 2]);
    }
    assert_eq!(told().scores.len(), 2);
    // What was not evaluated to its end is not told of.
    std::fs::remove_file(group.store.join(score("Deletion", "IG")).join("c.1")).unwrap();
    let plain = Group { evaluation: Evaluation::default(), ..group.clone() };
    create(&plain, &facts(&plain), &labels(), Compression::Zstd, "run").unwrap();
    assert_eq!(told().scores.iter().map(|score| score.key.as_str()).collect::<Vec<_>>(), ["Other"]);
}

/// "All methods" are those of the config that asked: maps that another config has added were not scored, and nothing of them is missing.
#[test]
fn methods_of_another_config_are_none_that_were_scored() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    let plain = Evaluation::default();
    let other = Group { variants: vec![common::variant("Other", 7)], evaluation: plain, ..group.clone() };
    let run = |group: &Group| {
        create(group, &facts(group), &labels(), Compression::Zstd, "run").unwrap();
        let mut shards = Shards::open(other.store.clone(), "run-3".into());
        for shard in 0..3 {
            let range = other.range(shard);
            let n = (range.end - range.start) as usize;
            shards.put("underflow/Other", shard, Data::Float32(vec![0.0; n])).unwrap();
            shards.put("attributions/Other", shard, Data::Float16(vec![half::f16::ONE; 4 * n])).unwrap();
        }
        finish(group, &facts(group), "run").unwrap();
        let described = describe(&group.store).unwrap().unwrap();
        let absent = |finding: &store::verify::Finding| !finding.file.starts_with(group.store.join("images"));
        let report = verify(&described, None, NonZero::<usize>::MIN).unwrap();
        assert!(!report.findings.iter().any(absent), "{:?}", report.findings);
        described.group.evaluation
    };
    run(&other);
    let one = Of::Some(vec!["IG".to_owned()]);
    for group in [&group, &other, &group] {
        let told = run(group);
        assert_eq!((told.scores.len(), &told.scores[0].of, &told.measurements[0].of), (1, &one, &one));
        assert_eq!(told.measurements[1].of, Of::Image);
        assert_eq!(inspect(group, &facts(group)).unwrap(), Some(true));
    }
}

#[test]
fn a_score_under_the_name_of_another_one_is_refused_and_nothing_is_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    let asked = |class: &str, parameters: Value| {
        let mut evaluation = evaluation();
        evaluation.scores[0].class = class.to_owned();
        evaluation.scores[0].parameters = serde_json::from_value(parameters).unwrap();
        Group { evaluation, ..group.clone() }
    };
    // A parameter that the store does not know is one that was not there when the scores were computed.
    let same = asked("Deletion", json!({"steps": 20}));
    assert_eq!(inspect(&same, &facts(&same)).unwrap(), Some(false));
    create(&same, &facts(&same), &labels(), Compression::Zstd, "run").unwrap();
    finish(&same, &facts(&same), "run").unwrap();
    for other in [asked("Insertion", json!({})), asked("Deletion", json!({"steps": 10}))] {
        let error = inspect(&other, &facts(&other)).unwrap_err().to_string();
        assert!(error.contains("the score `Deletion` is `Deletion` (steps=20) in the store and"), "{error}");
    }
}

#[test]
fn a_score_that_was_begun_is_taken_for_no_other_one_of_its_name_though_no_config_asks_for_it_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    std::fs::remove_file(group.store.join(score("Deletion", "IG")).join("c.1")).unwrap();
    let without = Group { evaluation: Evaluation::default(), ..group.clone() };
    for _ in 0..2 {
        create(&without, &facts(&without), &labels(), Compression::Zstd, "run").unwrap();
    }
    assert!(describe(&group.store).unwrap().unwrap().group.evaluation.scores.is_empty());
    let mut other = group.clone();
    other.evaluation.scores[0].class = "Insertion".to_owned();
    let error = inspect(&other, &facts(&other)).unwrap_err().to_string();
    assert!(error.contains("the score `Deletion` is `Deletion` () in the store and `Insertion`"), "{error}");
    // Who asks for the same goes on.
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(false));
}

#[test]
fn what_is_undefined_is_sound_and_what_is_damaged_or_missing_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let group = evaluated(folder.path());
    let found = |group: &Group| {
        let described = describe(&group.store).unwrap().unwrap();
        let report = verify(&described, None, NonZero::<usize>::MIN).unwrap();
        assert!(report.strangers.is_empty(), "{:?}", report.strangers);
        // The images of the tests have values that no image has.
        let files = report.findings.into_iter().map(|finding| finding.file);
        files.filter(|file| !file.starts_with(group.store.join("images"))).collect::<Vec<_>>()
    };
    assert_eq!(found(&group), [""; 0].map(std::path::PathBuf::from));
    let [damaged, missing] = [score("Deletion", "IG"), measurement("changes", None)].map(|path| group.store.join(path));
    let (damaged, missing) = (damaged.join("c.1"), missing.join("c.0.0"));
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[6] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    std::fs::remove_file(&missing).unwrap();
    assert_eq!(found(&group), [missing, damaged]);
    // With a map goes what was measured of the map, and nothing that others share.
    let files = variant_files(&group, &group.variants[0], 2).unwrap();
    let files: Vec<_> = files.iter().map(|file| file.strip_prefix(&group.store).unwrap().to_str().unwrap()).collect();
    assert_eq!(
        files,
        ["underflow/IG/c.2", "attributions/IG/c.2.0.0.0", "measurements/curve/IG/c.2.0", "scores/Deletion/IG/c.2"]
    );
}

#[test]
fn an_array_that_somebody_has_added_under_such_a_name_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plain = finished(folder.path(), Compression::Zstd);
    let array = plain.store.join("scores");
    std::fs::create_dir(&array).unwrap();
    std::fs::write(array.join("zarr.json"), json!({"zarr_format": 3, "node_type": "array"}).to_string()).unwrap();
    assert_eq!(inspect(&plain, &facts(&plain)).unwrap(), Some(false));
    let group = Group { evaluation: evaluation(), ..plain };
    assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Occupied { path }) if path == array));
}
