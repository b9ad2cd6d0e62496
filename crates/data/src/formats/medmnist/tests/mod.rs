//! Archives of `MedMNIST`: slices of pixels, damage, and what is missing.

mod types;

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
