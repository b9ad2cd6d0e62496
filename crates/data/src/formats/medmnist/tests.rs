use std::io::Write;
use std::path::PathBuf;

use zip::CompressionMethod::{Deflated, Stored};
use zip::write::SimpleFileOptions;

use super::*;

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    ordered(descr, "False", shape, data)
}

fn ordered(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn open(file: &Path, split: &str) -> Result<Box<dyn Source>, DataError> {
    (ENTRY.open)(file, split, &Options::default())
}

/// An archive with `n` RGB images of 4x4 pixels whose bytes are `(17 * i) % 251`.
fn archive(folder: &Path, n: usize, method: zip::CompressionMethod) -> (PathBuf, Vec<u8>) {
    let pixels: Vec<u8> = (0..n * 48).map(|i| (17 * i % 251) as u8).collect();
    let file = folder.join("x.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    let options = SimpleFileOptions::default().compression_method(method);
    zip.start_file("test_images.npy", options).unwrap();
    zip.write_all(&npy("|u1", &format!("({n}, 4, 4, 3)"), &pixels)).unwrap();
    zip.start_file("test_labels.npy", options).unwrap();
    zip.write_all(&npy(
        "<i2",
        &format!("({n}, 1)"),
        &(0..n as i16).flat_map(|i| (i - 2).to_le_bytes()).collect::<Vec<_>>(),
    ))
    .unwrap();
    zip.finish().unwrap();
    (file, pixels)
}

#[test]
fn every_size_but_28_px_is_part_of_the_file_name() {
    let table = [(28, "r/a.npz"), (32, "r/a_32.npz"), (224, "r/a_224.npz"), (1024, "r/a_1024.npz")];
    for (size, file) in table {
        assert_eq!((ENTRY.places)(Path::new("r"), "a", size), [Path::new(file)]);
    }
}

#[test]
fn any_slice_in_any_order_has_the_bytes_of_the_whole() {
    for method in [Stored, Deflated] {
        let folder = tempfile::tempdir().unwrap();
        let (file, pixels) = archive(folder.path(), 50, method);
        let mut source = open(&file, "test").unwrap();
        assert_eq!((source.len(), source.shape()), (50, [4, 4, 3]));
        source.verify().unwrap();
        for range in [0..7, 7..9, 30..50, 2..3, 49..50, 0..50, 50..50] {
            let expected = &pixels[range.start as usize * 48..range.end as usize * 48];
            assert_eq!(source.read(range.clone()).unwrap(), Pixels::Bytes(expected.to_vec()), "{method:?} {range:?}");
        }
        let labels = source.labels().unwrap();
        assert_eq!((labels.values, labels.width), ((-2..48).map(|label| label.max(-1)).collect(), 1));
    }
}

/// 256 MiB of images in an archive; a slice from its end is 48 bytes. The most memory that this process ever held
/// (`VmHWM`) may grow by the buffers only. Other tests of this crate take less than 10 MiB together.
#[test]
fn memory_is_that_of_the_slice_and_not_of_the_file() {
    let peak = || machine::this_process::peak() >> 20;
    let folder = tempfile::tempdir().unwrap();
    let (file, n) = (folder.path().join("x.npz"), (256 << 20) / 48);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    let options = SimpleFileOptions::default().compression_level(Some(1));
    zip.start_file("test_images.npy", options).unwrap();
    zip.write_all(&npy("|u1", &format!("({n}, 4, 4, 3)"), &[])).unwrap();
    let pixels = vec![7; 48_000];
    for _ in 0..n / 1000 {
        zip.write_all(&pixels).unwrap();
    }
    zip.write_all(&pixels[..n % 1000 * 48]).unwrap();
    zip.start_file("test_labels.npy", options).unwrap();
    zip.write_all(&npy("|u1", &format!("({n}, 1)"), &vec![0; n])).unwrap();
    zip.finish().unwrap();
    let mut source = open(&file, "test").unwrap();
    let before = peak();
    assert_eq!(source.read(n as u64 - 1..n as u64).unwrap(), Pixels::Bytes(vec![7; 48]));
    assert!(peak() - before < 32, "{} MiB more", peak() - before);
}

#[test]
fn an_archive_cut_anywhere_is_an_error_and_never_other_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = archive(folder.path(), 20, Deflated);
    let whole = std::fs::read(&file).unwrap();
    for cut in (0..whole.len()).step_by(37) {
        std::fs::write(&file, &whole[..cut]).unwrap();
        assert!(open(&file, "test").is_err(), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_in_the_pixels_is_found() {
    for method in [Stored, Deflated] {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = archive(folder.path(), 20, method);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[200] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        let read = open(&file, "test").and_then(|mut source| source.verify());
        let error = read.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("damaged"), "{method:?}: {error}");
    }
}

#[test]
fn a_missing_split_is_told_with_the_members_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = archive(folder.path(), 1, Stored);
    let error = open(&file, "val").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("no member `val_images`; it has: test_images, test_labels"), "{error}");
}

#[test]
fn a_header_that_claims_more_than_the_file_holds_is_refused_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    for name in ["test_images.npy", "test_labels.npy"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&npy("|u1", "(1000000000000, 1000, 1000, 3)", &[0; 8])).unwrap();
    }
    zip.finish().unwrap();
    let error = open(&file, "test").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("does not fit its"), "{error}");
}

/// A dataset of these members.
fn written(folder: &Path, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let file = folder.join("x.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    for (name, bytes) in members {
        zip.start_file(format!("test_{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    file
}

fn bytes<const N: usize>(values: &[f64], of: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| of(*value)).collect()
}

#[test]
fn labels_are_read_from_every_type_that_holds_whole_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let images = npy("|u1", "(4, 2, 2)", &[0; 16]);
    let column = [3.0, 0.0, f64::NAN, -7.0];
    let two = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let table = [
        (npy("<f8", "(4,)", &bytes(&column, f64::to_le_bytes)), vec![3, 0, -1, -1], 1),
        (npy(">f8", "(4, 1)", &bytes(&column, f64::to_be_bytes)), vec![3, 0, -1, -1], 1),
        (npy("<f4", "(4, 1, 1)", &bytes(&column, |v| (v as f32).to_le_bytes())), vec![3, 0, -1, -1], 1),
        (npy(">i2", "(4, 1)", &[0, 1, 1, 0, 0, 0, 255, 255]), vec![1, 256, 0, -1], 1),
        (npy("<u8", "(4,)", &[[5; 8], [0; 8], [255; 8], [0; 8]].concat()), vec![0x0505_0505_0505_0505, 0, -1, 0], 1),
        (
            ordered("<i8", "True", "(4, 1)", &bytes(&[1.0, 2.0, 3.0, 4.0], |v| (v as i64).to_le_bytes())),
            vec![1, 2, 3, 4],
            1,
        ),
        // First the column of the first label, then that of the second.
        (ordered("<f8", "True", "(4, 2)", &bytes(&two, f64::to_le_bytes)), vec![1, 5, 2, 6, 3, 7, 4, 8], 2),
    ];
    for (labels, values, width) in table {
        let file = written(folder.path(), &[("images", images.clone()), ("labels", labels)]);
        let mut source = open(&file, "test").unwrap();
        source.verify().unwrap();
        assert_eq!(source.labels().unwrap(), Labels { values, width, missing: None });
    }
}

#[test]
fn labels_that_cannot_be_understood_are_none_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let images = npy("|u1", "(2, 2, 2)", &[0; 8]);
    let table = [
        (None, "the file has none"),
        (Some(npy("<f8", "(2,)", &bytes(&[1.0, 0.5], f64::to_le_bytes))), "no whole numbers"),
        (Some(npy("<U1", "(2,)", &[0; 8])), "elements of type `<U1`"),
        (Some(npy("|O", "(2,)", b"pickle")), "elements of type `|O`"),
        (Some(npy("|u1", "(3,)", &[0; 3])), "shape [3], expected (2,1)"),
        (Some(npy("|u1", "(2, 0)", &[])), "shape [2, 0]"),
    ];
    for (labels, reason) in table {
        let labels = labels.map(|labels| ("labels", labels));
        let members: Vec<_> = std::iter::once(("images", images.clone())).chain(labels).collect();
        let mut source = open(&written(folder.path(), &members), "test").unwrap();
        source.verify().unwrap();
        let labels = source.labels().unwrap();
        assert_eq!((&labels.values[..], labels.width), (&[-1, -1][..], 1), "{reason}");
        assert!(labels.missing.is_some_and(|told| told.contains(reason)), "{reason}");
    }
}

#[test]
fn pixels_are_read_in_both_orders_of_bytes_and_of_axes() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..36).collect();
    let wide = |of: fn(u16) -> [u8; 2]| pixels.iter().flat_map(|pixel| of(u16::from(*pixel))).collect::<Vec<_>>();
    // Element (n, h, w) of 3x4x3 has the value 12 n + 3 h + w; the file has n fastest.
    let turned: Vec<u8> =
        (0..3).flat_map(|w| (0..4).flat_map(move |h| (0..3).map(move |n| 12 * n + 3 * h + w))).collect();
    let table = [
        npy(">u2", "(3, 4, 3)", &wide(u16::to_be_bytes)),
        npy("<i2", "(3, 4, 3)", &wide(u16::to_le_bytes)),
        ordered("|u1", "True", "(3, 4, 3)", &turned),
    ];
    for images in table {
        let mut source = open(&written(folder.path(), &[("images", images)]), "test").unwrap();
        assert_eq!((source.len(), source.shape()), (3, [4, 3, 1]));
        for range in [1..3, 0..1, 0..3] {
            let expected = pixels[range.start as usize * 12..range.end as usize * 12].to_vec();
            assert_eq!(source.read(range).unwrap(), Pixels::Bytes(expected));
        }
    }
}

#[test]
fn floats_are_pixels_where_their_range_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let values = [-1.0, 0.0, 0.5, 1.0];
    let file =
        written(folder.path(), &[("images", npy(">f4", "(1, 2, 2)", &bytes(&values, |v| (v as f32).to_be_bytes())))]);
    let with = |range| (ENTRY.open)(&file, "test", &Options { float_range: range, ..Options::default() });
    let refused = with(None).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("type `>f4`") && refused.contains("`float_range: [0, 1]`"), "{refused}");
    let mut source = with(Some([-1.0, 1.0])).unwrap();
    assert_eq!(source.read(0..1).unwrap(), Pixels::Floats(vec![0.0, 0.5, 0.75, 1.0]));
    assert_eq!(source.content()["float_range"], json!([-1.0, 1.0]));
    let beyond = with(Some([0.0, 1.0])).unwrap().read(0..1).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(beyond.contains("image 0 has the pixel -1, expected 0 to 1"), "{beyond}");
}

#[test]
fn images_that_are_none_are_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        (npy("|u1", "(1, 3, 4, 4)", &[0; 48]), "`images.transpose(0, 2, 3, 1)`"),
        (npy("|O", "(1, 4, 4)", b"pickle"), "elements of type `|O`, expected integers or floats"),
        (npy("<f8", "(1, 4, 4)", &[0; 128]), "`float_range: [0, 1]` below `search_space`"),
    ];
    for (images, told) in table {
        let error = open(&written(folder.path(), &[("images", images)]), "test").err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(told)), "{error:?}");
    }
    let file = written(folder.path(), &[("images", npy("<i8", "(2, 1, 1)", &[[0; 8], [1; 8]].concat()))]);
    let error = open(&file, "test").unwrap().read(0..2).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("image 1 has the pixel 72340172838076670, expected 0 to 255"), "{error}");
}
