//! Messages and access files that were mutated: refused or read, in little memory.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::sync::Arc;

use protocol::access::Access;
use protocol::message::{FromWorker, ToWorker};
use serde_json::json;
use sweep::unit::{Part, Unit};
use testkit::hostile::{Meter, below, mutated, survive};

#[global_allocator]
static METER: Meter = Meter::new();

/// Bytes that reading a few kilobytes of text may take.
const MOST: usize = 4 << 20;

fn grant() -> ToWorker {
    let variant = json!({
        "key": "IG_n_steps_50", "class": "IntegratedGradients", "parameters": {"n_steps": 50, "baselines": "zero"},
        "semantics": "exact", "complete": true,
    });
    let group = json!({
        "dataset": "d", "split": "test", "model": "m",
        "input": {
            "images_file": "d.npz", "format": "medmnist", "data": {"size": 7}, "weights": "m.pth", "weights_sha256": "00",
            "mean": {"file": "m.pt", "sha256": "00"},
        },
        "noise": {"name": "clean", "kind": "none", "parameters": {}}, "store": "s.zarr", "images": 5,
        "shape": [3, 28, 28], "classes": 4, "shard": 2, "variants": [variant],
        "numerics": {"seed": 0, "precision": "float32", "dtype": "float16", "fold_batch_norm": false},
    });
    let group = Arc::new(serde_json::from_value(group).unwrap());
    let batches = serde_json::from_value(json!({"IG_n_steps_50": {"images": 8, "grows": true}})).unwrap();
    ToWorker::Grant { unit: Unit::of(group, "attribute", Part::Shard(1)), attempt: 1, batches: Arc::new(batches) }
}

fn said() -> [Vec<u8>; 4] {
    let learned = json!({
        "keys": ["A"], "batch": 8, "bound": "memory", "line": {"base": 7, "per_image": 9}, "rate": 1.5, "ran_out": true,
    });
    let report = json!({
        "maps": 1, "bytes": 2, "seconds": 0.5, "computing": 0.25, "underflow": [["A", 0.1]], "incomplete": [],
        "learned": [learned],
    });
    let hello = json!({"Hello": {
        "challenge": "c", "proof": "00", "slot": 0, "version": "0.1.0", "device": "cpu", "instance": 7,
        "resumes": {"sweep": "s", "holds": [["g/0", 1]]},
    }});
    let failed = json!({"Failed": {"unit": "g/0", "attempt": 1, "class": "Engine", "text": "why"}});
    [hello, failed, json!({"Done": {"unit": "g/0", "attempt": 1, "report": report}}), json!("Alive")]
        .map(|message| message.to_string().into_bytes())
}

#[test]
fn mutated_messages_are_refused_or_read_in_little_memory() {
    let grant = serde_json::to_vec(&grant()).unwrap();
    let said = said();
    assert!(said.iter().all(|line| serde_json::from_slice::<FromWorker>(line).is_ok()));
    assert!(serde_json::from_slice::<ToWorker>(&grant).is_ok());
    survive(&METER, MOST, |random| {
        if let Ok(ToWorker::Grant { unit, .. }) = serde_json::from_slice(&mutated(&grant, random)) {
            // What a worker asks of it before it does anything.
            unit.id();
        }
        let _ = serde_json::from_slice::<FromWorker>(&mutated(&said[below(random, said.len())], random));
    });
}

#[test]
fn a_mutated_access_file_is_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access");
    let running = json!({"instance": 7, "pid": 42, "identity": "boot:1", "gpu": "GPU-1"});
    let access = json!({"address": "127.0.0.1:9", "token": "secret", "processes": {"0": running, "17": running}});
    std::fs::write(&file, access.to_string()).unwrap();
    assert!(Access::read(&file).is_some());
    survive(&METER, MOST, |random| {
        std::fs::write(&file, mutated(access.to_string().as_bytes(), random)).unwrap();
        let _ = Access::read(&file);
    });
}
