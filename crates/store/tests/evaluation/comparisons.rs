//! What is removed with a map: also what the maps of other variants were compared with it for.

use serde_json::json;
use store::verify::variant_files;
use store::{Data, Shards, create, measurement, score};
use sweep::config::Compression;
use sweep::evaluation::{Axis, Direction, Evaluation, Measurement, Of, Only, Score};
use sweep::group::Group;
use sweep::parameters::Parameters;

use super::common::{facts, group, labels, variant};

fn measured(key: &str, parameters: Parameters) -> Measurement {
    let axes = vec![Axis { name: "similarity".to_owned(), size: 3 }];
    Measurement { key: key.to_owned(), family: key.to_owned(), parameters, axes, of: Of::All }
}

fn scored(key: &str, measurement: &str) -> Score {
    Score {
        key: key.to_owned(),
        class: key.to_owned(),
        parameters: Parameters::default(),
        measurements: vec![measurement.to_owned()],
        of: Of::All,
        direction: Direction::Neither,
        only: Only::All,
    }
}

#[test]
fn with_a_map_goes_what_maps_of_others_were_compared_with_it_for_and_nothing_else_of_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let evaluation = Evaluation {
        measurements: vec![
            measured("agreement", serde_json::from_value(json!({"with": "A"})).unwrap()),
            measured("shape", Parameters::default()),
        ],
        scores: vec![scored("Agreement", "agreement"), scored("Sparseness", "shape")],
    };
    let group = Group { evaluation, ..group(folder.path(), 1, vec![variant("A", 50), variant("B", 20)]) };
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    for key in ["A", "B"] {
        for measured in ["agreement", "shape"] {
            shards.put(&measurement(measured, Some(key)), 0, Data::Float32(vec![0.5; 6])).unwrap();
        }
        for scored in ["Agreement", "Sparseness"] {
            shards.put(&score(scored, key), 0, Data::Float32(vec![0.5; 2])).unwrap();
        }
    }
    let removed = |at: usize| {
        let files = variant_files(&group, &group.variants[at], 0).unwrap();
        let names = files.iter().map(|file| file.strip_prefix(&group.store).unwrap().to_str().unwrap().to_owned());
        names.filter(|name| !name.ends_with("/A/c.0") && !name.ends_with("/A/c.0.0")).collect::<Vec<_>>()
    };
    assert_eq!(removed(0), ["measurements/agreement/B/c.0.0", "scores/Agreement/B/c.0"]);
    let of_b = [
        "measurements/agreement/B/c.0.0",
        "measurements/shape/B/c.0.0",
        "scores/Agreement/B/c.0",
        "scores/Sparseness/B/c.0",
    ];
    assert_eq!(removed(1), of_b);
}
