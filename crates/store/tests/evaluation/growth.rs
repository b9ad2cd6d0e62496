//! Evaluation of a store that grows, and that changes its form.

use store::{FORMATS, Ledger, Shards, create, finish, grow, measurement};
use sweep::config::Compression;
use sweep::group::Group;

use super::common::{contents, facts, fill, labels, put_means};
use super::{evaluate, evaluated};

#[test]
fn an_evaluation_grows_with_its_store_and_changes_its_form_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let small = evaluated(folder.path());
    let grown = Group { images: 7, ..small };
    grow(&grown, "run").unwrap();
    create(&grown, &facts(&grown), &labels(), Compression::Zstd, "run").unwrap();
    let ledger = Ledger::read(&grown).unwrap();
    assert_eq!([0, 1, 2, 3].map(|shard| ledger.is_evaluated(&grown, shard)), [true, true, false, false]);
    for shard in 2..4 {
        fill(&grown, shard);
        evaluate(&grown, shard);
    }
    put_means(&grown);
    finish(&grown, &facts(&grown), "run").unwrap();
    let before = contents(&grown);
    for format in ["zarr.zip", "pt"] {
        let place = FORMATS.pack(&grown.store, FORMATS.named(format).unwrap()).unwrap();
        let packed = Group { store: place.clone(), ..grown.clone() };
        let ledger = Ledger::read(&packed).unwrap();
        assert!((0..4).all(|shard| ledger.is_evaluated(&packed, shard)), "{format}");
        let curve = Shards::open(place.clone(), String::new()).floats(&measurement("curve", Some("IG")), 1, 2).unwrap();
        assert_eq!(curve, [0.25; 6], "{format}");
        FORMATS.unpack(&place, None).unwrap();
        assert_eq!(contents(&grown), before, "{format}");
    }
}
