//! Folders and zips in which Zarr keeps its keys.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::{DataError, digest};

/// Most files of an array in a folder: more take minutes to list.
const MOST_FILES: usize = 1 << 22;

/// A Zarr on the disk.
#[derive(Debug)]
pub(crate) struct Storage {
    /// Folder or zip.
    pub(crate) place: PathBuf,
    /// Archive, of a zip.
    zip: Option<Mutex<ZipArchive<BufReader<File>>>>,
}

impl Storage {
    /// Opens the folder or the zip at `place`.
    pub(crate) fn open(place: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Read { file: place.to_owned(), source };
        let zip = if fs::metadata(place).map_err(failed)?.is_dir() {
            None
        } else {
            let archive = ZipArchive::new(BufReader::new(File::open(place).map_err(failed)?));
            Some(Mutex::new(archive.map_err(|error| self::zip(place, error))?))
        };
        Ok(Self { place: place.to_owned(), zip })
    }

    /// Bytes of `key`, of which there may be `most`; `None` if there is no such key.
    pub(crate) fn read(&self, key: &str, most: u64) -> Result<Option<Vec<u8>>, DataError> {
        let Some(size) = self.size(key)? else { return Ok(None) };
        if size > most {
            return Err(self.error(key, format!("{size} bytes, at most {most} are expected")));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        let read = match &self.zip {
            None => File::open(self.place.join(key)).and_then(|file| file.take(size).read_to_end(&mut bytes)),
            Some(zip) => {
                let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
                let entry = zip.by_name(key).map_err(|error| self::zip(&self.place, error))?;
                // At the end of an entry its checksum is compared.
                entry.take(size + 1).read_to_end(&mut bytes)
            }
        };
        read.map_err(|source| self.io(key, source))?;
        if bytes.len() as u64 != size {
            return Err(self.error(key, format!("{} bytes, expected {size}", bytes.len())));
        }
        Ok(Some(bytes))
    }

    /// Bytes `range` of `key`, which must be there.
    pub(crate) fn part(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let length = range.end - range.start;
        let read = match &self.zip {
            None => File::open(self.place.join(key)).and_then(|mut file| {
                file.seek(SeekFrom::Start(range.start))?;
                file.take(length).read_to_end(&mut bytes)
            }),
            Some(zip) => {
                let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
                let mut entry = zip.by_name(key).map_err(|error| self::zip(&self.place, error))?;
                io::copy(&mut (&mut entry).take(range.start), &mut io::sink())
                    .and_then(|_| entry.take(length).read_to_end(&mut bytes))
            }
        };
        read.map_err(|source| self.io(key, source))?;
        if bytes.len() as u64 != length {
            return Err(self.error(key, format!("cut off: it has no bytes {range:?}")));
        }
        Ok(bytes)
    }

    /// Reads all keys of a zip below the folder `path` to their ends, where their checksums are compared; a folder has no checksums.
    pub(crate) fn verify(&self, path: &str) -> Result<(), DataError> {
        let Some(zip) = &self.zip else { return Ok(()) };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<String> = zip.file_names().filter(|name| name.starts_with(&prefix)).map(str::to_owned).collect();
        for key in keys {
            let entry = zip.by_name(&key).map_err(|error| self::zip(&self.place, error))?;
            let size = entry.size();
            let length = io::copy(&mut entry.take(size.saturating_add(1)), &mut io::sink());
            let length = length.map_err(|source| self.io(&key, source))?;
            if length != size {
                return Err(self.error(&key, format!("{length} bytes, expected {size}")));
            }
        }
        Ok(())
    }

    /// Size of `key` in bytes; `None` if there is no such key.
    pub(crate) fn size(&self, key: &str) -> Result<Option<u64>, DataError> {
        match &self.zip {
            None => match fs::metadata(self.place.join(key)) {
                Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    Ok(None)
                }
                Err(source) => Err(DataError::Read { file: self.place.join(key), source }),
            },
            Some(zip) => {
                let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
                match zip.by_name(key) {
                    Ok(entry) => Ok(Some(entry.size())),
                    Err(ZipError::FileNotFound) => Ok(None),
                    Err(error) => Err(self::zip(&self.place, error)),
                }
            }
        }
    }

    /// Digest of all keys below the folder `path`: by checksums in a zip, by names, sizes and samples in a folder.
    pub(crate) fn digest(&self, path: &str) -> Result<String, DataError> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let Some(zip) = &self.zip else {
            let (folder, mut files) = (self.place.join(path), Vec::new());
            list(&folder, "", &mut files)?;
            files.sort();
            return digest::of_files(&folder, &files);
        };
        let mut zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<(String, u64, u32)> = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|error| self::zip(&self.place, error))?;
            if entry.name().starts_with(&prefix) {
                entries.push((entry.name().to_owned(), entry.size(), entry.crc32()));
            }
        }
        entries.sort();
        let mut digest = Sha256::new();
        for (name, size, crc32) in entries {
            digest.update(format!("{}:{name}{size}:{crc32:08x}", name.len()));
        }
        Ok(hex::encode(digest.finalize()))
    }

    /// Names of the arrays and groups in the root, for messages.
    pub(crate) fn members(&self) -> String {
        let mut names: Vec<String> = match &self.zip {
            None => {
                let entries = fs::read_dir(&self.place).into_iter().flatten().flatten();
                let folders = entries.filter(|entry| entry.path().is_dir());
                folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            }
            Some(zip) => {
                let zip = zip.lock().unwrap_or_else(PoisonError::into_inner);
                let folders = zip.file_names().filter_map(|name| Some(name.split_once('/')?.0.to_owned()));
                folders.collect()
            }
        };
        names.sort();
        names.dedup();
        let more = if names.len() > 12 { ", ..." } else { "" };
        names.truncate(12);
        if names.is_empty() { "nothing".to_owned() } else { format!("{}{more}", names.join(", ")) }
    }

    /// Error about `key`.
    pub(crate) fn error(&self, key: &str, reason: impl Into<String>) -> DataError {
        DataError::Format { file: self.place.clone(), member: key.to_owned(), reason: reason.into() }
    }

    /// Error about `key` whose bytes cannot be read: damage, which stays, or a disk that is away.
    fn io(&self, key: &str, source: io::Error) -> DataError {
        match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                self.error(key, format!("damaged: {source}"))
            }
            _ => DataError::Read { file: self.place.join(key), source },
        }
    }
}

fn zip(place: &Path, error: ZipError) -> DataError {
    match error {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            DataError::Read { file: place.to_owned(), source }
        }
        other => DataError::Zip { file: place.to_owned(), reason: other.to_string() },
    }
}

/// Lists the files below `folder`, each with its size, by names that begin with `prefix`.
fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, u64)>) -> Result<(), DataError> {
    let failed = |source| DataError::Read { file: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = fs::metadata(entry.path()).map_err(failed)?;
        if metadata.is_dir() {
            // Chunks of an array are at most as deep as it has axes.
            if name.matches('/').count() < 16 {
                list(&entry.path(), &format!("{name}/"), files)?;
            }
        } else {
            files.push((name, metadata.len()));
        }
        if files.len() > MOST_FILES {
            let reason = format!("more than {MOST_FILES} files; make larger chunks or shards");
            return Err(DataError::Format { file: folder.to_owned(), member: String::new(), reason });
        }
    }
    Ok(())
}
