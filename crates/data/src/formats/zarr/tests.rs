use std::fs;
use std::io::Write;

use zip::write::SimpleFileOptions;

use super::*;

/// Metadata of two images of 2x2 pixels of the type `data_type`, in a shard of two chunks without checksums.
fn metadata(data_type: &str) -> String {
    let plain = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let shards = json!({"chunk_shape": [1, 2, 2], "codecs": [plain], "index_codecs": [plain, {"name": "crc32c"}]});
    json!({"zarr_format": 3, "node_type": "array", "shape": [2, 2, 2], "data_type": data_type, "fill_value": 0,
           "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 2, 2]}},
           "chunk_key_encoding": {"name": "default"},
           "codecs": [{"name": "sharding_indexed", "configuration": shards}]})
    .to_string()
}

fn shard(pixels: [u8; 8]) -> Vec<u8> {
    let index: Vec<u8> = [0_u64, 4, 4, 4].iter().flat_map(|number| number.to_le_bytes()).collect();
    [&pixels[..], &index, &crc32c::crc32c(&index).to_le_bytes()].concat()
}

/// Writes a zip of one array of images, in which nothing is compressed.
fn zipped(file: &Path, shard: &[u8]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(file).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in
        [("zarr.json", b"{}".as_slice()), ("images/zarr.json", metadata("uint8").as_bytes()), ("images/c/0/0/0", shard)]
    {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_shard_of_a_zip_that_was_damaged_is_told_before_its_parts_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.zarr.zip");
    let shard = shard([10, 11, 12, 13, 14, 15, 16, 17]);
    zipped(&file, &shard);
    let open = || (ENTRY.open)(&file, "test", &Options::default()).unwrap();
    let mut source = open();
    source.verify().unwrap();
    assert_eq!(source.read(1..2).unwrap(), Pixels::Bytes(vec![14, 15, 16, 17]));
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(shard.len()).position(|window| window == shard).unwrap();
    bytes[at + 5] = 99;
    fs::write(&file, bytes).unwrap();
    let mut source = open();
    assert_eq!(source.read(1..2).unwrap(), Pixels::Bytes(vec![14, 99, 16, 17]), "no checksum of the part");
    let told = source.verify().unwrap_err().to_string();
    assert!(told.contains("images/c/0/0/0") && told.contains("damaged: "), "{told}");
}

#[test]
fn images_of_true_and_false_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("x.zarr/images/c/0/0")).unwrap();
    for (name, bytes) in [
        ("zarr.json", b"{}".as_slice()),
        ("images/zarr.json", metadata("bool").as_bytes()),
        ("images/c/0/0/0", &shard([0, 1, 1, 0, 1, 1, 1, 1])),
    ] {
        fs::write(folder.path().join("x.zarr").join(name), bytes).unwrap();
    }
    let told = (ENTRY.open)(&folder.path().join("x.zarr"), "test", &Options::default()).err().unwrap().to_string();
    assert!(told.contains("pixels of type `bool`, which are 0 and 1, and white is 255"), "{told}");
}
