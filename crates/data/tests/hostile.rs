//! Datasets and mean images that were mutated: told, never believed, and in little memory.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::io::{Cursor, Write};
use std::path::Path;

use data::formats::{self, Options};
use data::mean::{self, Mean};
use testkit::hostile::{Meter, alone, below, mutated, survive};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static METER: Meter = Meter::new();

/// Reading a file of a few kilobytes may take so much: mostly buffers of zip and deflate.
const MOST: usize = 4 << 20;

/// The largest mean image that is accepted has 48 MiB, and a file may repeat one value for all of it.
const LARGEST_MEAN: usize = 56 << 20;

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// An archive with good checksums of whatever its members are.
fn archive(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Reads a dataset to its end, as a worker does.
fn read_dataset(file: &Path) {
    let Ok(mut source) = formats::open("medmnist", file, "test", &Options::default()) else { return };
    if source.verify().is_err() {
        return;
    }
    let _ = source.labels();
    let slice = source.len().min(4);
    let _ = source.read(0..slice);
}

#[test]
fn a_mutated_dataset_is_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.npz");
    let images = npy("|u1", "(20, 8, 8, 3)", &[7; 20 * 192]);
    let labels = npy("<i8", "(20, 1)", &[1; 160]);
    survive(&METER, MOST, |random| {
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][below(random, 2)];
        let mut members = [("test_images.npy", images.clone()), ("test_labels.npy", labels.clone())];
        // Half of them lie in a member behind a good checksum, half in the archive itself.
        if below(random, 2) == 0 {
            let which = below(random, 2);
            members[which].1 = mutated(&members[which].1, random);
            std::fs::write(&file, archive(&members, method)).unwrap();
        } else {
            std::fs::write(&file, mutated(&archive(&members, method), random)).unwrap();
        }
        read_dataset(&file);
    });
}

#[test]
fn a_mutated_mean_image_is_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    mean::write(&file, &Mean { shape: [3, 8, 8], values: vec![0.25; 192] }).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(whole.clone())).unwrap();
    let mut entry = |name: &str| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
        bytes
    };
    let (pickle, values) = (entry("x_mean/data.pkl"), entry("x_mean/data/0"));
    survive(&METER, LARGEST_MEAN, |random| {
        let bytes = if below(random, 3) == 0 {
            mutated(&whole, random)
        } else {
            let members = [("x_mean/data.pkl", mutated(&pickle, random)), ("x_mean/data/0", values.clone())];
            archive(&members, CompressionMethod::Stored)
        };
        std::fs::write(&file, bytes).unwrap();
        let _ = mean::read(&file);
    });
}

/// A tensor of no strides stretches one value to any shape: eight bytes that claim twelve million values.
#[test]
fn a_mean_image_that_repeats_one_value_takes_the_memory_of_the_largest_image_at_most() {
    let making = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    mean::write(&file, &Mean { shape: [3, 2048, 2048], values: vec![0.0; 3 << 22] }).unwrap();
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
    let mut pickle = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name("x_mean/data.pkl").unwrap(), &mut pickle).unwrap();
    // The elements of the storage become 1, and the strides 0: numbers of eight bytes after 0x8a 0x08.
    let numbers: Vec<usize> =
        pickle.windows(2).enumerate().filter(|(_, two)| *two == [0x8a, 8]).map(|(at, _)| at + 2).collect();
    let mut put = |at: usize, number: u64| pickle[at..at + 8].copy_from_slice(&number.to_le_bytes());
    put(numbers[0], 1);
    numbers[5..8].iter().for_each(|at| put(*at, 0));
    let members = [("x_mean/data.pkl", pickle), ("x_mean/data/0", vec![0; 4])];
    std::fs::write(&file, archive(&members, CompressionMethod::Stored)).unwrap();
    drop(making);
    let mut read = None;
    survive(&METER, LARGEST_MEAN, |_| {
        read.get_or_insert_with(|| mean::read(&file).map(|mean| mean.values.len()).map_err(|error| error.to_string()));
    });
    assert_eq!(read.unwrap(), Ok(3 << 22));
}

/// Bombs: 64 MiB of zeros in 64 KiB, as labels and as the description of a mean image.
#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let making = alone();
    let folder = tempfile::tempdir().unwrap();
    let (dataset, tensor) = (folder.path().join("x.npz"), folder.path().join("x_mean.pt"));
    let images = npy("|u1", "(67108864, 1, 1)", &vec![0; 1 << 26]);
    let labels = npy("|u1", "(67108864, 1)", &vec![0; 1 << 26]);
    let members = [("test_images.npy", images), ("test_labels.npy", labels)];
    std::fs::write(&dataset, archive(&members, CompressionMethod::Deflated)).unwrap();
    let members = [("x/data.pkl", vec![b'('; 1 << 26])];
    std::fs::write(&tensor, archive(&members, CompressionMethod::Deflated)).unwrap();
    assert!(std::fs::metadata(&dataset).unwrap().len() < 1 << 18);
    drop(making);
    let mut told = Vec::new();
    survive(&METER, MOST, |_| {
        if told.is_empty() {
            told.push(
                formats::open("medmnist", &dataset, "test", &Options::default()).err().map(|error| error.to_string()),
            );
            told.push(mean::read(&tensor).err().map(|error| error.to_string()));
        }
    });
    let told: Vec<String> = told.into_iter().flatten().collect();
    assert!(told[0].contains("at most 16777216 images are accepted"), "{told:?}");
    assert!(told[1].contains("at most 4096 are accepted"), "{told:?}");
}

#[test]
fn members_that_overlap_are_read_one_by_one_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.npz");
    let images = npy("|u1", "(20, 8, 8, 3)", &[7; 20 * 192]);
    let members = [("test_images.npy", images.clone()), ("test_labels.npy", images)];
    let mut bytes = archive(&members, CompressionMethod::Stored);
    // In the central directory the place of the second, just before its name, becomes that of the first.
    let second = bytes.windows(15).rposition(|window| window == b"test_labels.npy").unwrap() - 4;
    assert_ne!(bytes[second..second + 4], [0; 4]);
    bytes[second..second + 4].fill(0);
    std::fs::write(&file, bytes).unwrap();
    survive(&METER, MOST, |_| read_dataset(&file));
}
