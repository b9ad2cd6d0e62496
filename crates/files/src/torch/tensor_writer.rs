//! A file of one tensor that is written piece by piece, so that memory does not depend on its size.
//!
//! One storage holds all elements, behind one another and aligned, so that `torch.load(path, mmap=True)` maps the file whatever its
//! size: a file of more than 4 GiB is a zip64. So tensors need not be cut into several files.

use std::io::{self, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::element_type::ElementType;
use super::pickle;

/// Alignment of elements in bytes, as in files of torch.save, which are mapped into memory.
const ALIGNMENT: u16 = 64;
/// Size of the elements in bytes from which the zip has entries of the large kind. Entries have some room below 4 GiB.
const LARGE: u64 = u32::MAX as u64 - 1024;

/// A file of one tensor that is being written.
pub struct TensorWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
    stem: String,
    /// Number of bytes of elements that are to come.
    missing: u64,
}

impl<W: Write + Seek> TensorWriter<W> {
    /// Begins the file of a tensor of `shape` in `file`. The name of the archive's folder is `stem`.
    pub fn begin(file: W, stem: &str, element: ElementType, shape: &[u64]) -> io::Result<Self> {
        let sizes = shape.iter().try_fold(element.size(), |product, size| product.checked_mul(*size));
        let missing =
            sizes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("a tensor of {shape:?}")))?;
        let mut writer = Self { zip: ZipWriter::new(file), stem: stem.to_owned(), missing };
        writer.entry("data.pkl", &pickle::bytes(element, shape))?;
        writer.entry("byteorder", b"little")?;
        writer.start("data/0", missing)?;
        Ok(writer)
    }

    /// Appends elements, little-endian and in C order.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.missing =
            self.missing.checked_sub(bytes.len() as u64).ok_or_else(|| other("more elements than the tensor has"))?;
        self.zip.write_all(bytes)
    }

    /// Ends the file, which is given back.
    pub fn finish(mut self) -> io::Result<W> {
        if self.missing > 0 {
            return Err(other(&format!("{} bytes of the tensor are missing", self.missing)));
        }
        self.entry("version", b"3\n")?;
        Ok(self.zip.finish()?)
    }

    fn entry(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.start(name, bytes.len() as u64)?;
        self.zip.write_all(bytes)
    }

    fn start(&mut self, name: &str, size: u64) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .with_alignment(ALIGNMENT)
            .large_file(size >= LARGE);
        Ok(self.zip.start_file(format!("{}/{name}", self.stem), options)?)
    }
}

fn other(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_tensor_with_too_few_or_too_many_elements_is_an_error() {
        let begin = || TensorWriter::begin(Cursor::new(Vec::new()), "t", ElementType::Float16, &[2, 3]).unwrap();
        assert!(begin().finish().is_err_and(|error| error.to_string().starts_with("12 bytes")));
        assert!(begin().append(&[0; 13]).is_err());
        let mut whole = begin();
        whole.append(&[0; 12]).unwrap();
        assert!(whole.finish().is_ok());
    }
}
