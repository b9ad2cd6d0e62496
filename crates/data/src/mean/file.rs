//! Files of mean images: zip archives as `torch.save(tensor)` writes them.
//!
//! `<stem>/data.pkl` describes the tensor, `<stem>/data/0` holds its elements, little-endian. What
//! is written opens with `torch.load(path, weights_only=True)`; what users saved with `torch.save`
//! is read, as data, whatever its float type and strides.

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::pickle::{self, Tensor};
use super::{Mean, MeanError, aside};

/// Longest pickle that is accepted, in bytes. A bare tensor's has some 160.
const MAX_PICKLE: u64 = 4096;

/// Most values that are accepted in a tensor or its storage: three channels of 2048x2048 pixels.
const MAX_VALUES: u64 = 3 << 22;

/// torch.save aligns elements so, for files that are mapped into memory.
const ALIGNMENT: u16 = 64;

/// Reads a mean image that `torch.save` or [`write()`] wrote: float32 or float64, `[c, h, w]` or `[1, c, h, w]`.
pub fn read(file: &Path) -> Result<Mean, MeanError> {
    let unreadable = |source| MeanError::Read { file: file.to_owned(), source };
    let content = |reason| MeanError::Content { file: file.to_owned(), reason };
    let mut opened = File::open(file).map_err(unreadable)?;
    let mut magic = [0; 4];
    let length = opened.read(&mut magic).map_err(unreadable)?;
    check_magic(&magic[..length]).map_err(content)?;
    parse(BufReader::new(File::open(file).map_err(unreadable)?)).map_err(content)
}

fn check_magic(magic: &[u8]) -> Result<(), String> {
    match magic {
        [b'P', b'K', ..] => Ok(()),
        // The pickled magic number of torch.save's first format.
        [0x80, _, 0x8a, ..] => Err("it has the format of PyTorch before 1.6; load it with torch.load and save it \
                                    anew with torch.save"
            .to_owned()),
        _ => Err("it is not a file of torch.save".to_owned()),
    }
}

fn parse(reader: BufReader<File>) -> Result<Mean, String> {
    let mut archive = ZipArchive::new(reader).map_err(|error| format!("damaged or cut off: {error}"))?;
    let pickle = archive.file_names().find(|name| name.ends_with("/data.pkl")).map(str::to_owned);
    let pickle = pickle.ok_or("it is a zip archive, but none of torch.save (no `data.pkl`)")?;
    let stem = pickle.trim_end_matches("data.pkl");
    let order = format!("{stem}byteorder");
    if archive.index_for_name(&order).is_some() && entry(&mut archive, &order, MAX_PICKLE)? != b"little" {
        return Err("its numbers are not little-endian".to_owned());
    }
    let tensor = pickle::tensor(&entry(&mut archive, &pickle, MAX_PICKLE)?)?;
    let shape = match tensor.shape[..] {
        [c, h, w] | [1, c, h, w] => [c, h, w],
        _ => return Err(format!("it has the shape {:?}, expected [channels, height, width]", tensor.shape)),
    };
    let values = shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
    if values.is_none_or(|values| values == 0 || values > MAX_VALUES) || tensor.elements > MAX_VALUES {
        return Err(format!("it has the shape {:?}, at most {MAX_VALUES} values are accepted", tensor.shape));
    }
    let width = if tensor.double { 8 } else { 4 };
    let bytes = entry(&mut archive, &format!("{stem}data/{}", tensor.storage), MAX_VALUES * 8)?;
    if bytes.len() as u64 != tensor.elements * width {
        return Err(format!("it holds {} bytes, expected {}", bytes.len(), tensor.elements * width));
    }
    let values = gather(&tensor, &bytes)?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(Mean { shape: shape.map(|size| size as usize), values }),
        Some(at) => Err(format!("it holds {} (value {at}), expected finite numbers", values[at])),
    }
}

/// The whole of one entry, its checksum compared.
fn entry(archive: &mut ZipArchive<BufReader<File>>, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let entry = archive.by_name(name).map_err(|error| format!("its entry `{name}` cannot be read: {error}"))?;
    let size = entry.size();
    if size > most {
        return Err(format!("its entry `{name}` has {size} bytes, at most {most} are accepted"));
    }
    // What the archive says of its size is no reason to allocate as much.
    let mut bytes = Vec::new();
    // One byte more than promised, so that the end is seen and the checksum compared.
    let read = entry.take(size + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("its entry `{name}` is damaged: {error}"))?;
    Ok(bytes)
}

/// The tensor's values in C order, whatever its strides. A stride of 0 stretches one value: the values are what takes
/// memory, and their number is bounded.
fn gather(tensor: &Tensor, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let (shape, strides) = (&tensor.shape, &tensor.strides);
    if strides.len() != shape.len() {
        return Err(format!("it has {} sizes and {} strides", shape.len(), strides.len()));
    }
    let last = shape
        .iter()
        .zip(strides)
        .try_fold(tensor.offset, |last, (size, stride)| last.checked_add(size.checked_sub(1)?.checked_mul(*stride)?));
    if last.is_none_or(|last| last >= tensor.elements) {
        return Err("its strides lead out of its storage".to_owned());
    }
    let width = if tensor.double { 8 } else { 4 };
    let value = |place: u64| {
        let raw = bytes.get(place as usize * width..(place as usize + 1) * width)?;
        match raw {
            [a, b, c, d] => Some(f32::from_le_bytes([*a, *b, *c, *d])),
            _ => Some(f64::from_le_bytes(raw.try_into().ok()?) as f32),
        }
    };
    let mut values = Vec::with_capacity(shape.iter().product::<u64>() as usize);
    let mut index = vec![0; shape.len()];
    loop {
        let place = index.iter().zip(strides).fold(tensor.offset, |place, (index, stride)| place + index * stride);
        values.push(value(place).ok_or("its strides lead out of its storage")?);
        // The next index, as an odometer turns.
        let Some(turned) = (0..index.len()).rev().find(|at| index[*at] + 1 < shape[*at]) else { return Ok(values) };
        index[turned] += 1;
        index[turned + 1..].fill(0);
    }
}

/// Writes `mean` to `file` as a float32 tensor. The file is there whole or not at all.
pub fn write(file: &Path, mean: &Mean) -> Result<(), MeanError> {
    let stem = file.file_stem().map_or_else(|| "archive".into(), |stem| stem.to_string_lossy());
    let written = archive(&stem, mean).and_then(|bytes| put(file, &bytes));
    written.map_err(|source| MeanError::Write { file: file.to_owned(), source })
}

fn archive(stem: &str, mean: &Mean) -> io::Result<Vec<u8>> {
    let values: Vec<u8> = mean.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let entries: [(&str, &[u8]); 4] =
        [("data.pkl", &pickle::bytes(mean.shape)), ("byteorder", b"little"), ("data/0", &values), ("version", b"3\n")];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).with_alignment(ALIGNMENT);
    for (name, bytes) in entries {
        zip.start_file(format!("{stem}/{name}"), options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Written aside, synced, renamed, and the folder synced.
fn put(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::create_dir_all(folder)?;
    let aside = folder.join(aside::name(&name.to_string_lossy()));
    let mut placed = aside::write(&aside, bytes).and_then(|()| fs::rename(&aside, file));
    // Who tidies up on another machine, whose processes and locks are not ours, takes ours for dead.
    if placed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        placed = aside::write(&aside, bytes).and_then(|()| fs::rename(&aside, file));
    }
    placed.and_then(|()| File::open(folder)?.sync_all()).inspect_err(|_| {
        // The disk may be full: what was written aside must not stay.
        let _ = fs::remove_file(&aside);
    })
}

#[cfg(test)]
mod tests;
