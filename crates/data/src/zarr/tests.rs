use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Array, Storage};
use crate::DataError;

/// Array of two axes `[5, 3]` of bytes `10 row + column`, in chunks of `[2, 2]`.
fn write(folder: &Path, metadata: &Value, name: impl Fn(u64, u64) -> String, encode: impl Fn(&[u8]) -> Vec<u8>) {
    let file = if metadata["zarr_format"] == 2 { ".zarray" } else { "zarr.json" };
    fs::create_dir_all(folder.join("a")).unwrap();
    fs::write(folder.join("a").join(file), metadata.to_string()).unwrap();
    for (row, column) in (0..3).flat_map(|row| (0..2).map(move |column| (row, column))) {
        let values: Vec<u8> =
            (0..2).flat_map(|y| (0..2).map(move |x| (10 * (2 * row + y) + 2 * column + x) as u8)).collect();
        let chunk = folder.join("a").join(name(row, column));
        fs::create_dir_all(chunk.parent().unwrap()).unwrap();
        fs::write(chunk, encode(&values)).unwrap();
    }
}

fn v2(compressor: &Value) -> Value {
    json!({"zarr_format": 2, "shape": [5, 3], "chunks": [2, 2], "dtype": "|u1", "compressor": compressor, "fill_value": 0,
           "order": "C", "filters": null})
}

fn v3(codecs: &Value) -> Value {
    json!({"zarr_format": 3, "node_type": "array", "shape": [5, 3], "data_type": "uint8", "fill_value": 0,
           "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 2]}},
           "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "codecs": codecs})
}

fn dotted(row: u64, column: u64) -> String {
    format!("{row}.{column}")
}

fn nested(row: u64, column: u64) -> String {
    format!("c/{row}/{column}")
}

fn open(folder: &Path) -> Result<Array, DataError> {
    Ok(Array::open(&Arc::new(Storage::open(folder)?), "a")?.unwrap())
}

fn refused(folder: &Path) -> String {
    open(folder).and_then(|mut array| array.read(0..5)).err().map(|error| error.to_string()).unwrap_or_default()
}

fn rows(range: Range<u8>) -> Vec<u8> {
    range.flat_map(|row| (0..3).map(move |column| 10 * row + column)).collect()
}

#[test]
fn slices_are_put_together_of_chunks_along_every_axis() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &v2(&Value::Null), dotted, <[u8]>::to_vec);
    let mut array = open(folder.path()).unwrap();
    for range in [0..5, 1..2, 1..4, 4..5, 0..2, 2..2] {
        let expected = rows(range.start..range.end);
        assert_eq!(array.read(u64::from(range.start)..u64::from(range.end)).unwrap(), expected, "{range:?}");
    }
}

#[test]
fn each_compression_gives_the_same_values() {
    let folder = tempfile::tempdir().unwrap();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
        let mut packed = Vec::new();
        std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
        packed
    };
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
    let summed = |bytes: &[u8]| [bytes, &crc32c::crc32c(bytes).to_le_bytes()].concat();
    let plain = json!({"name": "bytes"});
    write(folder.path(), &v2(&json!({"id": "zstd"})), dotted, zstd);
    assert_eq!(open(folder.path()).unwrap().read(0..5).unwrap(), rows(0..5));
    for (codecs, encode) in [
        (json!([plain, {"name": "gzip"}]), &gzip as &dyn Fn(&[u8]) -> Vec<u8>),
        (json!([plain, {"name": "zstd"}, {"name": "crc32c"}]), &|bytes: &[u8]| summed(&zstd(bytes))),
        (json!([{"name": "transpose", "configuration": {"order": [1, 0]}}, plain]), &|bytes: &[u8]| {
            vec![bytes[0], bytes[2], bytes[1], bytes[3]]
        }),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &v3(&codecs), nested, encode);
        assert_eq!(open(folder.path()).unwrap().read(1..5).unwrap(), rows(1..5), "{codecs}");
    }
}

#[test]
fn a_missing_chunk_is_zeros_only_where_the_array_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &v2(&Value::Null), dotted, <[u8]>::to_vec);
    fs::remove_file(folder.path().join("a/1.0")).unwrap();
    assert_eq!(open(folder.path()).unwrap().read(2..4).unwrap(), [0, 0, 22, 0, 0, 32]);
    let mut filled = v2(&Value::Null);
    filled["fill_value"] = json!(255);
    fs::write(folder.path().join("a/.zarray"), filled.to_string()).unwrap();
    assert!(refused(folder.path()).contains("no chunk [1, 0], and its fill value is no pixel"));
}

#[test]
fn what_is_damaged_or_claims_too_much_is_told_by_its_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let summed = |bytes: &[u8]| [bytes, &[0; 4]].concat();
    write(folder.path(), &v3(&json!([{"name": "bytes"}, {"name": "crc32c"}])), nested, summed);
    assert!(refused(folder.path()).contains("member `a/c/0/0`: damaged: its checksum"));
    write(folder.path(), &v3(&json!([{"name": "bytes"}])), nested, |bytes| bytes[1..].to_vec());
    assert!(refused(folder.path()).contains("3 bytes, decoded, expected 4"));
    write(folder.path(), &v3(&json!([{"name": "bytes"}])), nested, |_| vec![0; 1 << 20]);
    assert!(refused(folder.path()).contains("1048576 bytes, at most"));
    for (key, value, told) in [
        ("codecs", json!([{"name": "bytes"}, {"name": "lz4"}]), "compressed by `lz4`, expected blosc, zstd"),
        ("codecs", json!([{"name": "delta"}, {"name": "bytes"}]), "the codec `delta`"),
        ("codecs", json!([]), "codecs without `bytes`"),
        ("shape", json!([5]), "the shape [5] and chunks of the shape [2, 2]"),
        (
            "chunk_grid",
            json!({"name": "regular", "configuration": {"chunk_shape": [1_u64 << 40, 1_u64 << 40]}}),
            "at most 1024 MiB",
        ),
        (
            "chunk_grid",
            json!({"name": "regular", "configuration": {"chunk_shape": [0, 2]}}),
            "chunks of the shape [0, 2]",
        ),
        ("chunk_grid", json!({"name": "rectangular"}), "expected regular ones"),
        ("node_type", json!("group"), "a group, expected an array"),
        ("data_type", json!("string"), "elements of type `string`, expected integers or floats"),
        ("shape", json!([1_u64 << 62, 3]), "fit no memory"),
    ] {
        let mut metadata = v3(&json!([{"name": "bytes"}]));
        metadata[key] = value;
        fs::write(folder.path().join("a/zarr.json"), metadata.to_string()).unwrap();
        let error = open(folder.path()).and_then(|mut array| {
            let all = 0..array.metadata.shape[0];
            array.read(all)
        });
        let error = error.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(told), "{key}: {error}");
    }
}
