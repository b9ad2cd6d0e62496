use std::fs::{self, File};
use std::io::Write;

use files::torch::{ElementType, pickled};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn mean() -> Mean {
    Mean { shape: [3, 2, 4], values: (0..24).map(|i| i as f32 / 7.0 - 1.0).collect() }
}

/// A file with these entries below `x/`.
fn archive_of(file: &Path, entries: &[(&str, &[u8])]) {
    let mut zip = ZipWriter::new(File::create(file).unwrap());
    for (name, bytes) in entries {
        zip.start_file(format!("x/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn what_is_written_is_read_back_and_nothing_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("means/x_mean.pt");
    write(&file, &mean()).unwrap();
    write(&file, &mean()).unwrap();
    assert_eq!(read(&file).unwrap(), mean());
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn the_same_mean_is_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    let bytes = [(); 2].map(|()| {
        write(&file, &mean()).unwrap();
        fs::read(&file).unwrap()
    });
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn a_file_damaged_anywhere_never_reads_as_another_mean() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    write(&file, &mean()).unwrap();
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x04;
        fs::write(&file, &damaged).unwrap();
        assert!(read(&file).map_or(true, |read| read == mean()), "byte {at}");
        fs::write(&file, &whole[..at]).unwrap();
        assert!(read(&file).is_err(), "cut at {at}");
    }
}

#[test]
fn doubles_and_strides_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    // [2, 1, 3] seen in a storage [3, 2] of doubles: value [k, 0, x] is element 2x + k.
    let pickle = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nDoubleStorage\n\
        X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x00K\x02K\x01K\x03\x87K\x01K\x06K\x02\x87\x89\
        ccollections\nOrderedDict\n)RtR.";
    let values: Vec<u8> = (0..6).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    archive_of(&file, &[("data.pkl", pickle), ("data/0", &values)]);
    assert_eq!(read(&file).unwrap(), Mean { shape: [2, 1, 3], values: vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0] });
    archive_of(&file, &[("data.pkl", pickle), ("data/0", &values[..40])]);
    assert!(read(&file).unwrap_err().text().contains("it holds 40 bytes, expected 48"));
}

#[test]
fn each_file_that_is_no_mean_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_mean.pt");
    let pickle = pickled(ElementType::Float32, &[3, 1, 1]);
    let nan: Vec<u8> = [0.0, f32::NAN, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let huge = pickled(ElementType::Float32, &[3, 1 << 20, 1 << 20]);
    let refused = |entries: &[(&str, &[u8])], reason: &str| {
        archive_of(&file, entries);
        let error = read(&file).unwrap_err().text();
        assert!(error.contains("x_mean.pt`") && error.contains(reason), "{error}");
    };
    refused(&[("data.pkl", &pickle), ("data/0", &nan)], "it holds NaN (value 1), expected finite numbers");
    refused(&[("data.pkl", &huge), ("data/0", &nan)], "it has the shape [3, 1048576, 1048576], at most");
    refused(&[("data.pkl", &pickle)], "its entry `x/data/0` cannot be read");
    refused(&[("data.pkl", &pickle), ("data/0", &nan), ("byteorder", b"big")], "not little-endian");
    refused(&[("other", b"")], "no `data.pkl`");
    refused(&[("data.pkl", &[b'('; 5000])], "has 5000 bytes, at most 4096 are accepted");
    for (bytes, reason) in [
        (b"\x80\x02\x8a\x0al\xfc\x9cF".as_slice(), "the format of PyTorch before 1.6"),
        (b"hello", "it is not a file of torch.save"),
        (b"", "it is not a file of torch.save"),
    ] {
        fs::write(&file, bytes).unwrap();
        assert!(read(&file).unwrap_err().text().contains(reason));
    }
}
