//! Weights and programs that were mutated: refused or read, in little memory, and nothing of them is executed.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::io::{Cursor, Write};

use common::Program;
use hostile::{Meter, below, mutated, survive};
use network::{Weights, models};
use tch::{Device, Kind};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static METER: Meter = Meter::new();

/// What reading a file of a few kilobytes may take.
const MOST: usize = 8 << 20;

/// What the reader of checkpoints copies of its memo before it refuses to go on.
const UNFOLDED: usize = 128 << 20;

/// The pickle of `{'net': {'w': float32 [2, 3]}}` as torch.save writes it, but for its memo.
fn state_dict() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    [b"\x80\x02}(".to_vec(), text("net"), b"}(".to_vec(), text("w"), tensor.concat(), b"uu.".to_vec()].concat()
}

fn archive(pickle: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let values = [0_u8; 24];
    for (name, bytes) in
        [("x/data.pkl", pickle), ("x/byteorder", b"little"), ("x/data/0", &values), ("x/version", b"3\n")]
    {
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn mutated_checkpoints_are_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    std::fs::write(&file, archive(&state_dict(), CompressionMethod::Stored)).unwrap();
    Weights::open(&file).unwrap();
    survive(&METER, MOST, |random| {
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][below(random, 2)];
        let bytes = match below(random, 3) {
            0 => mutated(&archive(&state_dict(), method), random),
            // The bare pickle, as before PyTorch 1.6.
            1 => mutated(&state_dict(), random),
            _ => archive(&mutated(&state_dict(), random), method),
        };
        std::fs::write(&file, bytes).unwrap();
        let _ = models::open("lenet", &file, (Device::Cpu, Kind::Float));
    });
}

#[test]
fn mutated_safetensors_are_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.safetensors");
    let header = br#"{"net.w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    let whole = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 24]].concat();
    std::fs::write(&file, &whole).unwrap();
    Weights::open(&file).unwrap();
    survive(&METER, MOST, |random| {
        std::fs::write(&file, mutated(&whole, random)).unwrap();
        let _ = models::open("lenet", &file, (Device::Cpu, Kind::Float));
    });
}

#[test]
fn mutated_programs_are_refused_or_read_in_little_memory() {
    let program = Program::new();
    let model = program.model.to_string().into_bytes();
    let whole = std::fs::read(program.write()).unwrap();
    survive(&METER, MOST, |random| {
        if below(random, 2) == 0 {
            std::fs::write(program.file(), mutated(&whole, random)).unwrap();
        } else {
            // A description that is still JSON reaches the importer.
            let Ok(model) = serde_json::from_slice(&mutated(&model, random)) else { return };
            let mut other = Program::new();
            other.model = model;
            let bytes = std::fs::read(other.write()).unwrap();
            std::fs::write(program.file(), bytes).unwrap();
        }
        let _ = models::open("any", &program.file(), (Device::Cpu, Kind::Float));
    });
}

/// A pickle of a hundred bytes whose lists hold each other twice over: 2^40 items for whoever unfolds them.
#[test]
fn a_pickle_that_doubles_itself_is_not_unfolded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for memo in 1..=40_u8 {
        // A list of the last list, twice.
        pickle.extend([b']', b'(', b'h', memo - 1, b'h', memo - 1, b'e', b'q', memo]);
    }
    pickle.push(b'.');
    std::fs::write(&file, archive(&pickle, CompressionMethod::Stored)).unwrap();
    let mut refused = None;
    survive(&METER, UNFOLDED, |_| {
        refused.get_or_insert_with(|| Weights::open(&file).is_err());
    });
    assert_eq!(refused, Some(true));
}
