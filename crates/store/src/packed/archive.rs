//! An open zip of a store: the entries by their names, each a run of bytes of the zip.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zip::{CompressionMethod, ZipArchive};

/// Number of zips that are held open at once: a command looks at one store after the other.
const HELD: usize = 4;

/// Zips that were read last, with what the file system says of them: a zip that was replaced is opened anew.
static OPEN: Mutex<Vec<(PathBuf, Identity, Arc<Archive>)>> = Mutex::new(Vec::new());

/// Device, inode, size and time of change of a zip.
type Identity = (u64, u64, u64, i64, i64);

/// A zip that is open for reading.
pub(crate) struct Archive {
    /// Directory of the zip, which finds where an entry begins.
    directory: Mutex<ZipArchive<File>>,
    /// Index of each entry, by name.
    entries: BTreeMap<String, usize>,
    file: Arc<File>,
    /// Size of the zip in bytes.
    length: u64,
}

/// Bytes of a file, or of an entry of a zip, that are read at any position.
pub(crate) struct Part {
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl Archive {
    /// Opens the zip at `path`, unless it is open already.
    pub(crate) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let found = fs::metadata(path)?;
        let identity = (found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., archive)) = open.iter().find(|(known, of, _)| known == path && *of == identity) {
            return Ok(Arc::clone(archive));
        }
        let archive = Arc::new(Self::read(path, found.len())?);
        open.retain(|(known, ..)| known != path);
        if open.len() >= HELD {
            open.remove(0);
        }
        open.push((path.to_owned(), identity, Arc::clone(&archive)));
        Ok(archive)
    }

    fn read(path: &Path, length: u64) -> io::Result<Self> {
        let directory = ZipArchive::new(File::open(path)?).map_err(broken)?;
        let entries =
            (0..directory.len()).filter_map(|index| Some((directory.name_for_index(index)?.to_owned(), index)));
        Ok(Self {
            entries: entries.collect(),
            directory: Mutex::new(directory),
            file: Arc::new(File::open(path)?),
            length,
        })
    }

    /// Names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether the zip has an entry called `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Names directly below the folder called `folder`, each with whether it is a folder; all top names for an empty `folder`.
    pub(super) fn children(&self, folder: &str) -> BTreeMap<String, bool> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.entries.range(prefix.clone()..).map_while(|(name, _)| name.strip_prefix(&prefix));
        let mut children = BTreeMap::new();
        for name in below.filter(|name| !name.is_empty()) {
            match name.split_once('/') {
                Some((child, _)) => children.insert(child.to_owned(), true),
                None => children.insert(name.to_owned(), false),
            };
        }
        children
    }

    /// The bytes of the entry called `name`.
    pub(crate) fn part(&self, name: &str) -> io::Result<Part> {
        let index = *self.entries.get(name).ok_or(io::ErrorKind::NotFound)?;
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = directory.by_index_raw(index).map_err(broken)?;
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(invalid(format!(
                "its entry `{name}` is compressed by the zip or encrypted, expected stored as it is"
            )));
        }
        let (start, length) = (entry.data_start().unwrap_or(u64::MAX), entry.size());
        if start.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(invalid(format!("its entry `{name}` leads out of the zip")));
        }
        Ok(Part { file: Arc::clone(&self.file), start, length })
    }
}

impl Part {
    /// The bytes of a file of the file system.
    pub(super) fn of_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        if found.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self { file: Arc::new(file), start: 0, length: found.len() })
    }

    /// Number of bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Fills `bytes` from position `at`.
    pub(crate) fn read_into(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        if at.checked_add(bytes.len() as u64).is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_exact_at(bytes, self.start + at)
    }

    /// Reads `size` bytes from position `at`.
    pub(crate) fn read(&self, at: u64, size: u64) -> io::Result<Vec<u8>> {
        // No size is believed beyond what is there.
        if at.checked_add(size).is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; size as usize];
        self.read_into(at, &mut bytes)?;
        Ok(bytes)
    }
}

fn broken(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
        other => invalid(other.to_string()),
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
