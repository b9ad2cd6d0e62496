//! Weights and programs that were mutated: refused or read, in little memory, and nothing of them is executed.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

#[path = "../common/mod.rs"]
mod common;
mod pickles;
mod programs;
mod tensors;

use std::io::{Cursor, Write};

use testkit::hostile::Meter;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static METER: Meter = Meter::new();

/// Most bytes that reading a file of a few kilobytes may take.
const MOST: usize = 8 << 20;

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
