//! Store formats: where a store lies, whether it exists, and how it is read.
//!
//! A store is named by a place: a path whose ending says the format. A format is one file here and one line in [`FORMATS`]: by
//! that its stores are found, described, listed and read. Making, writing and repairing a store know Zarr folders alone: a store of
//! another format is made of a finished folder, and becomes a folder again where a sweep goes on with it (`conversion`).

mod conversion;
mod entry;
mod pt;
mod zarr;
mod zarr_zip;

use std::path::{Path, PathBuf};

use sweep::group::Group;

use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::metadata::Described;
use crate::tensors;

pub use entry::{Entry, Packing, Reader, Unpack};

/// Every store format. Sweeps write in the first; of a store that is there in several, the first counts.
pub const FORMATS: Formats = Formats(&[&zarr::ENTRY, &zarr_zip::ENTRY, &pt::ENTRY]);

/// A list of store formats.
#[derive(Clone, Copy, Debug)]
pub struct Formats(pub &'static [&'static Entry]);

impl Formats {
    /// Format of the store at `place`, by the ending of the path or of its folder; the first format for a path with another ending.
    pub fn of(self, place: &Path) -> &'static Entry {
        let name = |path: Option<&Path>| path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let names = [name(Some(place)), name(place.parent())].map(Option::unwrap_or_default);
        let fits = |entry: &&&Entry, name: &String| name.ends_with(entry.suffix);
        let own = self.0.iter().filter(|entry| fits(entry, &names[0])).max_by_key(|entry| entry.suffix.len());
        if let Some(own) = own {
            return own;
        }
        let fitting = self.0.iter().filter(|entry| fits(entry, &names[1]));
        // `.zarr.zip` before `.zip`.
        fitting.max_by_key(|entry| entry.suffix.len()).or(self.0.first()).copied().unwrap_or(&zarr::ENTRY)
    }

    /// Place of the store called `name` in `folder`: that of the format in which it exists, else that of a new store.
    pub fn place(self, folder: &Path, name: &str) -> PathBuf {
        let place = |entry: &&Entry| (entry.place)(folder, name);
        let existing = self.0.iter().find(|entry| (entry.exists)(&place(entry)));
        existing.or(self.0.first()).map_or_else(|| folder.join(name), place)
    }

    /// Place in `folder` of a store called `name` that another program has written; `None` where there is none, and where attrisweep has a
    /// store of this name.
    pub fn theirs(self, folder: &Path, name: &str) -> Option<PathBuf> {
        let is_ours = |place: &Path| self.exists(place) && matches!(self.describe(place), Ok(Some(_)));
        if self.0.iter().any(|entry| is_ours(&(entry.place)(folder, name))) {
            return None;
        }
        self.0.iter().find_map(|entry| (entry.theirs)(folder, name))
    }

    /// Whether a store exists at `place`, or the beginning of one.
    pub fn exists(self, place: &Path) -> bool {
        (self.of(place).exists)(place)
    }

    /// Reads the description that the store at `place` has of itself; `None` where no store is.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a store of somebody else, [`StoreError::Headless`] or [`StoreError::Damaged`] for one that
    /// lacks facts.
    pub fn describe(self, place: &Path) -> Result<Option<Described>, StoreError> {
        (self.of(place).describe)(place)
    }

    /// Lists the shards that are in the store of `group`.
    pub fn ledger(self, group: &Group) -> Result<Ledger, StoreError> {
        (self.of(&group.store).ledger)(group)
    }

    /// Opens the store at `place` for reading.
    pub fn open(self, place: &Path) -> Result<Box<dyn Reader>, StoreError> {
        (self.of(place).open)(place)
    }
}

impl Ledger {
    /// Lists the shards that are in the store of `group`.
    pub fn read(group: &Group) -> Result<Self, StoreError> {
        FORMATS.ledger(group)
    }
}

/// Reads the description that the store at `place` has of itself, in whichever format it is ([`Formats::describe`]).
pub fn describe(place: &Path) -> Result<Option<Described>, StoreError> {
    FORMATS.describe(place)
}

/// The error about the store of another program at `place`.
pub fn theirs(place: PathBuf) -> StoreError {
    if tensors::is_of_scripts(&place) {
        StoreError::TheirTensors { path: place }
    } else if place.is_file() {
        StoreError::Packed { path: place }
    } else {
        StoreError::Theirs { path: place }
    }
}

/// Whether a store exists at `place`, in whichever format, or the beginning of one.
pub fn exists(place: &Path) -> bool {
    FORMATS.exists(place)
}
