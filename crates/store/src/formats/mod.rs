//! Store formats: where a store lies, whether it exists, and how it is read.
//!
//! A store is named by a place: a path whose ending says the format. Nothing outside of this folder assumes that the place is a
//! folder. A format is one file here and one line in [`FORMATS`].

mod entry;
mod zarr;

use std::path::{Path, PathBuf};

use sweep::group::Group;

use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::metadata::Described;

pub use entry::{Entry, Reader};

/// Every store format. New stores are written in the first.
pub const FORMATS: Formats = Formats(&[&zarr::ENTRY]);

/// A list of store formats.
#[derive(Clone, Copy, Debug)]
pub struct Formats(pub &'static [&'static Entry]);

impl Formats {
    /// Format of the store at `place`, by the ending of the path; the first format for a path with another ending.
    pub fn of(self, place: &Path) -> &'static Entry {
        let name = place.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let fitting = self.0.iter().filter(|entry| name.ends_with(entry.suffix));
        // `.zarr.zip` before `.zip`.
        fitting.max_by_key(|entry| entry.suffix.len()).or(self.0.first()).copied().unwrap_or(&zarr::ENTRY)
    }

    /// Place of the store called `name` in `folder`: that of the format in which it exists, else that of a new store.
    pub fn place(self, folder: &Path, name: &str) -> PathBuf {
        let place = |entry: &&Entry| folder.join(format!("{name}{}", entry.suffix));
        let existing = self.0.iter().find(|entry| (entry.exists)(&place(entry)));
        existing.or(self.0.first()).map_or_else(|| folder.join(name), place)
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

/// Whether a store exists at `place`, in whichever format, or the beginning of one.
pub fn exists(place: &Path) -> bool {
    FORMATS.exists(place)
}
