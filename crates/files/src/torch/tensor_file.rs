//! Files of one tensor: zip archives as `torch.save(tensor)` writes them.
//!
//! `<stem>/data.pkl` describes the tensor, `<stem>/data/0` holds its elements, little-endian. Written files open with
//! `torch.load(path, weights_only=True)`; files of `torch.save` are read as data, whatever their float type and strides.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::Range;
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::element_type::ElementType;
use super::pickle::{self, Tensor};
use super::tensor_writer::TensorWriter;

/// Longest pickle that is accepted, in bytes. The pickle of one tensor has some 160.
const MAX_PICKLE: u64 = 4096;

/// Reason for which a file of a tensor cannot be read.
#[derive(Debug)]
pub enum TensorError {
    /// Failure of the disk.
    Read(io::Error),
    /// Content that is not one tensor; a clause.
    Content(String),
}

impl From<String> for TensorError {
    fn from(reason: String) -> Self {
        Self::Content(reason)
    }
}

/// Function that reads a pickle.
type Pickle = fn(&[u8]) -> Result<Tensor, String>;

/// A file of one tensor, of which the description has been read and the elements have not.
pub struct TensorFile {
    archive: ZipArchive<BufReader<File>>,
    stem: String,
    tensor: Tensor,
}

impl TensorFile {
    /// Opens `file`, a tensor of float32 or float64.
    pub fn open(file: &Path) -> Result<Self, TensorError> {
        Self::open_with(file, pickle::tensor)
    }

    /// Opens `file`, a tensor of any type of [`ElementType`], for reading its elements where they lie.
    pub fn of_any_type(file: &Path) -> Result<Self, TensorError> {
        Self::open_with(file, pickle::of_any_type)
    }

    fn open_with(file: &Path, read: Pickle) -> Result<Self, TensorError> {
        let mut opened = File::open(file).map_err(TensorError::Read)?;
        let mut magic = [0; 4];
        let length = opened.read(&mut magic).map_err(TensorError::Read)?;
        check_magic(&magic[..length])?;
        let reader = BufReader::new(File::open(file).map_err(TensorError::Read)?);
        Ok(Self::parse(reader, read)?)
    }

    fn parse(reader: BufReader<File>, read: Pickle) -> Result<Self, String> {
        let mut archive = ZipArchive::new(reader).map_err(|error| format!("damaged or cut off: {error}"))?;
        let pickle = archive.file_names().find(|name| name.ends_with("/data.pkl")).map(str::to_owned);
        let pickle = pickle.ok_or("it is a zip archive, but none of torch.save (no `data.pkl`)")?;
        let stem = pickle.trim_end_matches("data.pkl").to_owned();
        let order = format!("{stem}byteorder");
        if archive.index_for_name(&order).is_some() && entry(&mut archive, &order, MAX_PICKLE)? != b"little" {
            return Err("its numbers are not little-endian".to_owned());
        }
        let tensor = read(&entry(&mut archive, &pickle, MAX_PICKLE)?)?;
        Ok(Self { archive, stem, tensor })
    }

    /// Sizes of the tensor's dimensions.
    pub fn shape(&self) -> &[u64] {
        &self.tensor.shape
    }

    /// Type of the elements.
    pub fn element(&self) -> ElementType {
        self.tensor.element
    }

    /// Place in the file of the elements of a tensor in C order without gaps, and their length in bytes: rows can be read where they lie,
    /// without comparing the checksum. The error is one sentence.
    pub fn place(&mut self) -> Result<Range<u64>, String> {
        let Tensor { shape, strides, .. } = &self.tensor;
        let sizes =
            || (1..=shape.len()).map(|at| shape[at..].iter().try_fold(1_u64, |row, size| row.checked_mul(*size)));
        // Strides of dimensions of one element are no question of the order.
        let in_order = strides.len() == shape.len()
            && sizes().zip(strides).zip(shape).all(|((row, stride), size)| *size <= 1 || row == Some(*stride));
        if !in_order {
            return Err(format!(
                "its values are not in the order of its dimensions (strides {strides:?} of the shape {shape:?}); save `tensor.contiguous()`"
            ));
        }
        let width = self.tensor.element.size();
        let count = shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
        let bytes = |count: u64| count.checked_mul(width);
        let (Some(start), Some(length), Some(all)) =
            (bytes(self.tensor.offset), count.and_then(bytes), bytes(self.tensor.elements))
        else {
            return Err(format!("it says a shape {shape:?}, which no file has"));
        };
        let name = format!("{}data/{}", self.stem, self.tensor.storage);
        let entry =
            self.archive.by_name(&name).map_err(|error| format!("its entry `{name}` cannot be read: {error}"))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("its entry `{name}` is compressed, which torch.save does not do"));
        }
        let (size, at) = (entry.size(), entry.data_start());
        let at = at.ok_or_else(|| format!("its entry `{name}` has no place"))?;
        let end = start.checked_add(length).filter(|end| *end <= size && size == all);
        match (end, at.checked_add(size)) {
            (Some(end), Some(_)) => Ok(at + start..at + end),
            _ => Err(format!("it holds {size} bytes of values, expected those of {shape:?}")),
        }
    }

    /// Names, sizes and checksums of its entries, which tell its content.
    pub fn entries(&mut self) -> Result<Vec<(String, u64, u32)>, String> {
        let mut entries = Vec::new();
        for index in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(index).map_err(|error| format!("damaged or cut off: {error}"))?;
            // The folder has the name that the file had when it was written.
            let name = entry.name().split_once('/').map_or(entry.name(), |(_, name)| name).to_owned();
            entries.push((name, entry.size(), entry.crc32()));
        }
        entries.sort();
        Ok(entries)
    }

    /// Reads every entry to its end, which compares the checksums.
    pub fn verify(&mut self) -> Result<(), TensorError> {
        for index in 0..self.archive.len() {
            let mut entry = self.archive.by_index(index).map_err(|error| format!("damaged or cut off: {error}"))?;
            io::copy(&mut entry, &mut io::sink()).map_err(|error| format!("damaged: {error}"))?;
        }
        Ok(())
    }

    /// Reads the values in C order, as single precision. A tensor of more than `most` values, or with a storage of more, is an
    /// error, and so is one of other types than floats of 32 and 64 bits.
    pub fn values(mut self, most: u64) -> Result<Vec<f32>, TensorError> {
        let width = self.tensor.element.size();
        let values = self.tensor.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
        if values.is_none_or(|values| values == 0 || values > most) || self.tensor.elements > most {
            let shape = &self.tensor.shape;
            return Err(format!("it has the shape {shape:?}, at most {most} values are accepted").into());
        }
        if !matches!(self.tensor.element, ElementType::Float32 | ElementType::Float64) {
            return Err(format!("it holds {:?}, expected float32 or float64", self.tensor.element).into());
        }
        let name = format!("{}data/{}", self.stem, self.tensor.storage);
        let bytes = entry(&mut self.archive, &name, most * 8)?;
        if bytes.len() as u64 != self.tensor.elements * width {
            return Err(format!("it holds {} bytes, expected {}", bytes.len(), self.tensor.elements * width).into());
        }
        Ok(gather(&self.tensor, &bytes)?)
    }
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

/// Reads the whole of one entry and compares its checksum.
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

/// Values of the tensor in C order, whatever its strides. A stride of 0 repeats one value: memory goes by the number of values,
/// which is bounded by the caller.
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
    let width = tensor.element.size() as usize;
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

/// Bytes of a file of a float32 tensor of `shape` with these `values`. The name of the archive's folder is `stem`.
pub fn bytes(stem: &str, shape: [usize; 3], values: &[f32]) -> io::Result<Vec<u8>> {
    let shape = shape.map(|size| size as u64);
    let mut writer = TensorWriter::begin(Cursor::new(Vec::new()), stem, ElementType::Float32, &shape)?;
    writer.append(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(writer.finish()?.into_inner())
}
