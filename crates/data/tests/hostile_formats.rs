//! Datasets of every format but archives, mutated: told, never believed, and in little memory.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use data::formats::{self, Options};
use data::preprocess::Pixels;
use files::torch::{ElementType, TensorWriter};
use serde_json::json;
use testkit::hostile::{Meter, alone, below, mutated, survive};

#[global_allocator]
static METER: Meter = Meter::new();

/// Reading a few kilobytes may take so much. What libjpeg takes is its own, and bounded by the size of a picture.
const MOST: usize = 4 << 20;

/// Reads a dataset to its end, as a worker does.
fn read_dataset(format: &str, place: &Path) {
    let options = Options { size: 8, ..Options::default() };
    let Ok(mut source) = formats::open(format, place, "test", &options) else { return };
    // As the check before a sweep: images of another size, and many more than there were, are not read.
    let size = if format == "cifar" { 32 } else { 8 };
    if source.shape()[..2] != [size; 2] || source.len() > 1000 || source.verify().is_err() {
        return;
    }
    let _ = source.labels();
    let slice = source.len().min(4);
    let _ = source.read(0..slice);
    let _ = source.predictions(0..slice);
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let file = root.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

/// Puts `files` below a folder, one of them mutated, and reads the dataset.
fn attacked(format: &str, place: &str, files: &[(&str, Vec<u8>)]) {
    let making = alone();
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(root.path(), name, bytes);
    }
    let place = root.path().join(place);
    let read = formats::open(format, &place, "test", &Options { size: 8, ..Options::default() });
    let read = read.and_then(|mut source| source.read(0..source.len()));
    assert!(read.is_ok(), "{format}: {:?}", read.err().map(|error| error.to_string()));
    drop(making);
    survive(&METER, MOST, |random| {
        let (name, bytes) = &files[below(random, files.len())];
        put(root.path(), name, &mutated(bytes, random));
        read_dataset(format, &place);
        put(root.path(), name, bytes);
    });
}

#[test]
fn a_mutated_zarr_is_refused_or_read_in_little_memory() {
    let v2 = |compressor: Option<&str>| {
        let compressor = compressor.map(|name| json!({"id": name}));
        json!({"zarr_format": 2, "shape": [8, 8, 8], "chunks": [4, 8, 8], "dtype": "|u1", "compressor": compressor,
               "fill_value": 0, "order": "C", "filters": null})
        .to_string()
        .into_bytes()
    };
    // A frame of blosc that is stored as it is: version, flags, size of elements, sizes.
    let head = [&[2, 1, 2, 1][..], &256_u32.to_le_bytes(), &256_u32.to_le_bytes(), &272_u32.to_le_bytes()].concat();
    let blosc = [head, vec![7; 256]].concat();
    let zstd = zstd::bulk::compress(&[7; 256], 1).unwrap();
    for (compressor, chunk) in [(None, vec![7; 256]), (Some("blosc"), blosc), (Some("zstd"), zstd)] {
        let files = [
            ("x.zarr/.zgroup", b"{}".to_vec()),
            ("x.zarr/images/.zarray", v2(compressor)),
            ("x.zarr/images/0.0.0", chunk.clone()),
            ("x.zarr/images/1.0.0", chunk),
        ];
        attacked("zarr", "x.zarr", &files);
    }
}

#[test]
fn a_mutated_store_whose_images_and_predictions_are_taken_is_refused_or_read_in_little_memory() {
    let array = |shape: &[u64], chunk: &[u64], dtype: &str| {
        json!({"zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": dtype, "compressor": null, "fill_value": 0, "order": "C",
               "filters": null})
        .to_string()
        .into_bytes()
    };
    let floats = |n: usize| 0.5_f32.to_le_bytes().repeat(n);
    let told = json!({"data_flag": "x", "attrisweep": {"complete": true, "fingerprint": {"noise": {"type": "none"}},
        "preprocessing": {"range": [0.0, 1.0], "resize": null, "crop": null, "mean": [0.5], "std": [0.5]}}});
    let files = [
        ("x.zarr/.zgroup", b"{}".to_vec()),
        ("x.zarr/.zattrs", told.to_string().into_bytes()),
        ("x.zarr/images/.zarray", array(&[4, 3, 8, 8], &[2, 3, 8, 8], "<f4")),
        ("x.zarr/images/0.0.0.0", floats(384)),
        ("x.zarr/images/1.0.0.0", floats(384)),
        ("x.zarr/model_predictions/.zarray", array(&[4, 2], &[4, 2], "<f4")),
        ("x.zarr/model_predictions/0.0", floats(8)),
        ("x.zarr/original_indices/.zarray", array(&[4], &[4], "<i8")),
        ("x.zarr/original_indices/0", [7_i64, 3, 5, 1].iter().flat_map(|index| index.to_le_bytes()).collect()),
    ];
    attacked("base", "x.zarr", &files);
}

#[test]
fn a_mutated_zarr_of_shards_is_refused_or_read_in_little_memory() {
    let chunk = zstd::bulk::compress(&[7; 64], 1).unwrap();
    let size = chunk.len() as u64;
    let index = |parts: &[u64]| parts.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let shard = [chunk, index(&[0, size, 0, size, u64::MAX, u64::MAX, 0, size])].concat();
    let codecs = json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 8, 8],
        "codecs": [{"name": "bytes"}, {"name": "zstd"}], "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}}]);
    let metadata = json!({"zarr_format": 3, "node_type": "array", "shape": [4, 8, 8], "data_type": "uint8", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 8, 8]}},
        "chunk_key_encoding": {"name": "default"}, "codecs": codecs});
    let files = [
        ("x.zarr/zarr.json", b"{}".to_vec()),
        ("x.zarr/images/zarr.json", metadata.to_string().into_bytes()),
        ("x.zarr/images/c/0/0/0", shard),
    ];
    attacked("zarr", "x.zarr", &files);
}

/// A picture of 1500 x 1500 px in RGB is 6.75 MB: more than may be taken, on every thread.
#[test]
fn a_large_picture_is_decoded_line_by_line() {
    let making = alone();
    let root = tempfile::tempdir().unwrap();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 1500, 1500);
    encoder.set_color(png::ColorType::Rgb);
    let grey = vec![200; 1500 * 1500 * 3];
    encoder.write_header().unwrap().write_image_data(&grey).unwrap();
    for name in ["x/test/a/0.png", "x/test/a/1.png"] {
        put(root.path(), name, &png);
    }
    drop(making);
    let mut read = None;
    survive(&METER, MOST, |_| {
        // Once is enough: nothing is random.
        if read.is_none() {
            let source = formats::open(
                "image_folder",
                &root.path().join("x"),
                "test",
                &Options { size: 8, ..Options::default() },
            );
            read = Some(source.and_then(|mut source| source.read(0..2)));
        }
    });
    assert!(matches!(read, Some(Ok(Pixels::Bytes(pixels))) if pixels == [200; 2 * 8 * 8 * 3]));
}

#[test]
fn a_mutated_picture_is_refused_or_read_in_little_memory() {
    let making = alone();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 24, 20);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..24 * 20 * 3).map(|at| (at * 7 % 251) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    let mut compress = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    compress.set_size(24, 20);
    let mut started = compress.start_compress(Vec::new()).unwrap();
    started.write_scanlines(&pixels).unwrap();
    let jpeg = started.finish().unwrap();
    drop(making);
    let files = [("x/test/a/0.png", png), ("x/test/a/1.jpg", jpeg), ("x/test.csv", b"a/0.png,1\na/1.jpg,2\n".to_vec())];
    attacked("image_folder", "x", &files);
}

#[test]
fn mutated_files_of_cifar_are_refused_or_read_in_little_memory() {
    let text = |text: &str| [&[b'U', text.len() as u8][..], text.as_bytes()].concat();
    let mut pickle = b"\x80\x02}q\x01(".to_vec();
    pickle.extend([text("labels"), b"]q\x02(K\x01K\x02e".to_vec(), text("data")].concat());
    pickle.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01b\x87Rq\x06(K\x01K\x02M\x00\x0c");
    pickle.extend(
        [b"\x86q\x07cnumpy\ndtype\nq\x08".to_vec(), text("u1"), b"K\x00K\x01\x87Rq\x09(K\x03tb\x89T".to_vec()].concat(),
    );
    pickle.extend([&6144_u32.to_le_bytes()[..], &[9; 6144], b"tbu."].concat());
    attacked("cifar", "cifar-10-batches-py", &[("cifar-10-batches-py/test_batch", pickle)]);
}

/// Each of these is a value inside a value, a hundred thousand times and more.
#[test]
fn a_pickle_of_values_inside_one_another_is_refused_before_it_takes_the_stack() {
    let making = alone();
    let root = tempfile::tempdir().unwrap();
    // Tuples, calls, states of objects, lists and dictionaries.
    let deep: [(Vec<u8>, &[u8]); 5] = [
        (b")".to_vec(), b"\x85"),
        ([&b"c\n\n".repeat(100_000)[..], b")"].concat(), b"R\x85"),
        (b"c\n\n)R".repeat(100_000), b"b"),
        (b"]".repeat(100_000), b"a"),
        ([&b"}K\x00".repeat(99_999)[..], b"}"].concat(), b"s"),
    ];
    for (head, step) in deep {
        let times = if step == b"\x85" { 1_000_000 } else { 99_999 };
        let bytes = [b"\x80\x02", &head[..], &step.repeat(times), b"."].concat();
        put(root.path(), "cifar-10-batches-py/test_batch", &bytes);
        let place = root.path().join("cifar-10-batches-py");
        let told = formats::open("cifar", &place, "test", &Options::default()).err().unwrap().to_string();
        assert!(told.ends_with("more than 16 values inside one another"), "{told}");
    }
    drop(making);
}

#[test]
fn mutated_files_of_mnist_are_refused_or_read_in_little_memory() {
    let images = [&[0, 0, 8, 3][..], &[0, 0, 0, 4], &[0, 0, 0, 8], &[0, 0, 0, 8], &[3; 256]].concat();
    let labels = [&[0, 0, 8, 1][..], &[0, 0, 0, 4], &[3; 4]].concat();
    attacked("idx", "m", &[("m/t10k-images-idx3-ubyte", images), ("m/t10k-labels-idx1-ubyte", labels)]);
}

#[test]
fn a_mutated_array_of_numpy_is_refused_or_read_in_little_memory() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 8, 8), }\n";
    let array = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &[5; 256]].concat();
    attacked("npy", "x", &[("x/test_images.npy", array)]);
}

/// A file of torch.save with the values of `bytes`.
fn tensor(element: ElementType, shape: &[u64], bytes: &[u8]) -> Vec<u8> {
    let mut writer = TensorWriter::begin(Cursor::new(Vec::new()), "archive", element, shape).unwrap();
    writer.append(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_mutated_folder_of_tensors_is_refused_or_read_in_little_memory() {
    let floats = |n: usize| (0..n).flat_map(|at| (at as f32 / n as f32).to_le_bytes()).collect::<Vec<u8>>();
    let labels: Vec<u8> = (0..4_i64).flat_map(i64::to_le_bytes).collect();
    let files = [
        ("m/images.pt", tensor(ElementType::Float32, &[4, 3, 8, 8], &floats(4 * 192))),
        ("m/labels.pt", tensor(ElementType::Int64, &[4, 1], &labels)),
        ("m/model_predictions.pt", tensor(ElementType::Float32, &[4, 2], &floats(8))),
    ];
    attacked("base", "m", &files);
}
