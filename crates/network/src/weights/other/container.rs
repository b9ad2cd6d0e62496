//! The files that hold a pickle, and the storages beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::ZipArchive;

use super::machine::Machine;
use super::object::{Object, Span, Storage};
use super::refusal::Refusal;

/// Number that the first pickle of a file before PyTorch 1.6 has.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// A pickle, and the place of the storages that the pickle names.
pub(super) struct Container {
    pub(super) pickle: Arc<[u8]>,
    /// Byte at which the pickle begins: before PyTorch 1.6 three other pickles stand before it.
    pub(super) start: usize,
    storages: Storages,
}

enum Storages {
    /// Values in an archive, below this folder.
    Archive { file: PathBuf, folder: String, length: u64 },
    /// Values behind the pickle, by their names.
    Behind(HashMap<String, Span>),
}

impl Container {
    pub(super) fn open(file: &Path) -> Result<Self, Refusal> {
        let length = std::fs::metadata(file).map_err(|_| Refusal::Broken)?.len();
        let mut magic = [0; 4];
        File::open(file).and_then(|mut file| file.read_exact(&mut magic)).map_err(|_| Refusal::Broken)?;
        if magic == *b"PK\x03\x04" { archive(file, length) } else { Self::plain(file) }
    }

    /// A pickle alone, or the four pickles of files before PyTorch 1.6.
    fn plain(file: &Path) -> Result<Self, Refusal> {
        let pickle: Arc<[u8]> = std::fs::read(file).map_err(|_| Refusal::Broken)?.into();
        let mut start = 0;
        if pickle.iter().take(64).copied().collect::<Vec<_>>().windows(MAGIC.len()).any(|bytes| bytes == MAGIC) {
            for _ in 0..3 {
                start = Machine::new(&pickle, start).run()?.1;
            }
        }
        Ok(Self { pickle, start, storages: Storages::Behind(HashMap::new()) })
    }

    /// Finds the storages behind the pickle, which ends at the byte `end`: first their names as a further pickle, then the
    /// number of values of each storage and these values.
    pub(super) fn find_behind(&mut self, end: usize, named: &[Storage]) -> Result<(), Refusal> {
        let Storages::Behind(found) = &mut self.storages else { return Ok(()) };
        if named.is_empty() {
            return Ok(());
        }
        let mut machine = Machine::new(&self.pickle, end);
        let (Object::Items(list), mut at) = machine.run()? else { return Err(Refusal::Broken) };
        let widths: HashMap<&str, usize> =
            named.iter().map(|storage| (&*storage.key, storage.kind.elt_size_in_bytes())).collect();
        for key in &machine.items[list] {
            let key = machine.text(*key).ok_or(Refusal::Broken)?;
            let width = widths.get(key).ok_or(Refusal::Broken)?;
            let count = self.pickle.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
            let bytes = count.and_then(|count| usize::try_from(count).ok()?.checked_mul(*width));
            let end = bytes.and_then(|bytes| bytes.checked_add(at + 8)).filter(|end| *end <= self.pickle.len());
            let span = Span { start: at + 8, end: end.ok_or(Refusal::Broken)? };
            at = span.end;
            found.insert(key.to_owned(), span);
        }
        Ok(())
    }

    /// The bytes of the storage called `key`.
    pub(super) fn storage(&self, key: &str) -> io::Result<Vec<u8>> {
        let absent = || io::Error::new(io::ErrorKind::InvalidData, format!("its storage `{key}` is not in the file"));
        match &self.storages {
            Storages::Behind(found) => found.get(key).map(|span| self.pickle[span.range()].to_vec()).ok_or_else(absent),
            Storages::Archive { file, folder, length } => {
                let mut zip = ZipArchive::new(File::open(file)?)?;
                entry(&mut zip, &format!("{folder}data/{key}"), *length)
            }
        }
    }
}

/// The pickle of an archive of torch.save.
fn archive(file: &Path, length: u64) -> Result<Container, Refusal> {
    let open = || ZipArchive::new(File::open(file).ok()?).ok();
    let mut zip = open().ok_or(Refusal::Broken)?;
    if zip.file_names().any(|name| name.ends_with("/constants.pkl")) {
        return Err(Refusal::Script);
    }
    let pickle = zip.file_names().find(|name| name.ends_with("/data.pkl")).map(str::to_owned);
    let pickle = pickle.ok_or(Refusal::Broken)?;
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    let order = format!("{folder}byteorder");
    if zip.index_for_name(&order).is_some() && entry(&mut zip, &order, length).is_ok_and(|order| order != b"little") {
        return Err(Refusal::Numbers);
    }
    let pickle = entry(&mut zip, &pickle, length).map_err(|_| Refusal::Broken)?.into();
    Ok(Container { pickle, start: 0, storages: Storages::Archive { file: file.to_owned(), folder, length } })
}

/// The whole of one entry, its checksum compared. None is larger than the file: torch.save compresses nothing.
fn entry(zip: &mut ZipArchive<File>, name: &str, length: u64) -> io::Result<Vec<u8>> {
    let entry = zip.by_name(name)?;
    let size = entry.size();
    if size > length {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{name}` is larger than the file")));
    }
    let mut bytes = Vec::new();
    // One byte more than promised, so that the end is seen and the checksum compared.
    entry.take(size + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
