//! Reader of an array in an .npz archive, from front to back and in bounded memory.
//!
//! Deflate cannot seek. A [`Member`] keeps its place, so that slices in rising order cost one pass over the file together, and only
//! a step back starts anew. [`Member::verify`] reads the whole array once, because the checksum covers the whole array only.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::element::{EXPECTED, Element};
use super::npy::Header;
use crate::DataError;

mod order;

/// Number of bytes that are skipped at a time.
const SCRATCH: usize = 1 << 16;

/// Array of an archive, open for reading.
pub(crate) struct Member {
    file: PathBuf,
    /// Open file. A new file that takes its place is not read.
    handle: File,
    name: String,
    /// Shape and element type.
    pub(crate) header: Header,
    /// Type of the elements, if these are numbers.
    pub(crate) element: Option<Element>,
    /// CRC-32 of the uncompressed array, which names its content.
    pub(crate) crc32: u32,
    size: u64,
    start: u64,
    compressed: u64,
    deflated: bool,
    cursor: Option<Cursor>,
    /// The whole array in C order, for a file in Fortran order, in which no slice of images lies together.
    turned: Option<Vec<u8>>,
}

/// Place in the uncompressed array.
struct Cursor {
    reader: Box<dyn Read + Send>,
    position: u64,
}

impl Member {
    /// Opens the array `name` of the archive `file`.
    pub(crate) fn open(file: &Path, name: &str) -> Result<Self, DataError> {
        let member = format!("{name}.npy");
        let reader = File::open(file).map_err(|source| DataError::Read { file: file.to_owned(), source })?;
        let not_zip =
            |reason: zip::result::ZipError| DataError::Archive { file: file.to_owned(), reason: reason.to_string() };
        let handle = reader.try_clone().map_err(|source| DataError::Read { file: file.to_owned(), source })?;
        let mut archive = ZipArchive::new(BufReader::new(reader)).map_err(not_zip)?;
        let has = archive.file_names().map(|name| name.trim_end_matches(".npy")).collect::<Vec<_>>().join(", ");
        let entry = archive.by_name(&member).map_err(|error| match error {
            zip::result::ZipError::FileNotFound => {
                DataError::Member { file: file.to_owned(), member: name.to_owned(), has }
            }
            other => not_zip(other),
        })?;
        let mut opened = Self {
            file: file.to_owned(),
            handle,
            name: name.to_owned(),
            header: Header { descr: String::new(), shape: Vec::new(), fortran: false, length: 0 },
            element: None,
            crc32: entry.crc32(),
            size: entry.size(),
            start: entry.data_start().unwrap_or_default(),
            compressed: entry.compressed_size(),
            deflated: match entry.compression() {
                CompressionMethod::Deflated => true,
                CompressionMethod::Stored => false,
                other => {
                    return Err(format_error(file, name, format!("compressed by {other}, expected deflate or none")));
                }
            },
            cursor: None,
            turned: None,
        };
        drop(entry);
        opened.read_header()?;
        Ok(opened)
    }

    /// Opens an array that is a file of its own. It has no checksum.
    pub(crate) fn open_array(file: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Read { file: file.to_owned(), source };
        let handle = File::open(file).map_err(failed)?;
        let size = handle.metadata().map_err(failed)?.len();
        let mut opened = Self {
            file: file.to_owned(),
            handle,
            name: String::new(),
            header: Header { descr: String::new(), shape: Vec::new(), fortran: false, length: 0 },
            element: None,
            crc32: 0,
            size,
            start: 0,
            compressed: size,
            deflated: false,
            cursor: None,
            turned: None,
        };
        opened.read_header()?;
        Ok(opened)
    }

    /// Size of the array in bytes with its header, unpacked.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Error about this array.
    pub(crate) fn error(&self, reason: impl Into<String>) -> DataError {
        format_error(&self.file, &self.name, reason.into())
    }

    /// Bytes `start..end` of the array's data in C order, the header not counted.
    pub(crate) fn read(&mut self, start: u64, end: u64) -> Result<Vec<u8>, DataError> {
        if self.header.fortran {
            let turned = match self.turned.take() {
                Some(turned) => turned,
                None => self.in_c_order()?,
            };
            let bytes = turned.get(start as usize..end as usize).unwrap_or_default().to_vec();
            self.turned = Some(turned);
            return Ok(bytes);
        }
        self.seek(self.header.length + start)?;
        let mut bytes = vec![0; (end - start) as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reason for which the type of the elements is refused.
    pub(crate) fn no_numbers(&self) -> String {
        format!("elements of type `{}`, {EXPECTED}", self.header.descr)
    }

    /// Reads the whole array once and compares its checksum with that in the archive.
    pub(crate) fn verify(&mut self) -> Result<(), DataError> {
        self.cursor = None;
        self.seek(0)?;
        let (mut crc, mut scratch, mut left) = (crc32fast::Hasher::new(), vec![0; SCRATCH], self.size);
        while left > 0 {
            let step = left.min(SCRATCH as u64) as usize;
            self.fill(&mut scratch[..step])?;
            crc.update(&scratch[..step]);
            left -= step as u64;
        }
        let found = crc.finalize();
        if found == self.crc32 {
            return Ok(());
        }
        Err(self.error(format!("damaged: its checksum is {found:08x}, written as {:08x}", self.crc32)))
    }

    fn read_header(&mut self) -> Result<(), DataError> {
        self.seek(0)?;
        let mut reader =
            self.cursor.take().map_or_else(|| Box::new(io::empty()) as Box<dyn Read + Send>, |cursor| cursor.reader);
        self.header = Header::read(&mut reader).map_err(|reason| self.error(reason))?;
        self.element = Element::parse(&self.header.descr);
        let Some(width) = self.element.map(Element::size) else { return Ok(()) };
        let wanted =
            self.header.elements().and_then(|n| n.checked_mul(width)).and_then(|n| n.checked_add(self.header.length));
        if wanted != Some(self.size) {
            let shape = &self.header.shape;
            return Err(self.error(format!("its header says {shape:?}, which does not fit its {} bytes", self.size)));
        }
        if self.header.fortran && self.size > order::MOST {
            return Err(self.error(format!(
                "an array of {} MiB in Fortran order, at most {} MiB are read so; save it with `numpy.ascontiguousarray`",
                self.size >> 20,
                order::MOST >> 20
            )));
        }
        Ok(())
    }

    /// Puts the cursor at `position` of the uncompressed member.
    fn seek(&mut self, position: u64) -> Result<(), DataError> {
        if self.cursor.as_ref().is_none_or(|cursor| cursor.position > position) {
            self.cursor = Some(self.rewound().map_err(|source| self.io(source))?);
        }
        let behind = self.cursor.as_ref().map_or(0, |cursor| position - cursor.position);
        if behind > 0 && !self.deflated {
            let stored = self.opened_at(position).map_err(|source| self.io(source))?;
            self.cursor = Some(Cursor { reader: Box::new(stored), position });
            return Ok(());
        }
        let mut scratch = vec![0; SCRATCH];
        let mut left = behind;
        while left > 0 {
            let step = left.min(scratch.len() as u64) as usize;
            self.fill(&mut scratch[..step])?;
            left -= step as u64;
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), DataError> {
        let Some(cursor) = self.cursor.as_mut() else { return Ok(()) };
        if let Err(source) = cursor.reader.read_exact(bytes) {
            let at = cursor.position;
            self.cursor = None;
            // A damaged deflate stream shows as invalid data or as an early end: no retry mends it.
            return Err(match source.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    self.error(format!("damaged at byte {at}: {source}"))
                }
                _ => self.io(source),
            });
        }
        cursor.position += bytes.len() as u64;
        Ok(())
    }

    fn rewound(&self) -> io::Result<Cursor> {
        let raw = self.opened_at(0)?;
        let reader: Box<dyn Read + Send> =
            if self.deflated { Box::new(DeflateDecoder::new(raw)) } else { Box::new(raw) };
        Ok(Cursor { reader, position: 0 })
    }

    /// Reader of the stored bytes from `position` on.
    fn opened_at(&self, position: u64) -> io::Result<Take<BufReader<File>>> {
        // One cursor at a time uses the handle's place.
        let mut reader = self.handle.try_clone()?;
        reader.seek(SeekFrom::Start(self.start + position))?;
        Ok(BufReader::with_capacity(1 << 17, reader).take(self.compressed.saturating_sub(position)))
    }

    fn io(&self, source: io::Error) -> DataError {
        DataError::Read { file: self.file.clone(), source }
    }
}

fn format_error(file: &Path, member: &str, reason: String) -> DataError {
    if member.is_empty() {
        return DataError::Content { file: file.to_owned(), reason };
    }
    DataError::Format { file: file.to_owned(), member: member.to_owned(), reason }
}
