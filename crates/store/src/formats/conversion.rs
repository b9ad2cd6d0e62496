//! Conversion between the Zarr folder that a sweep writes and the format in which a config wants its stores.
//!
//! The order can be cut off anywhere. A store is packed whole beside its folder, and the folder goes afterwards: where both are, the
//! folder counts, and is packed again if it is complete. What is half written or half removed has a temporary name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::folders;

use super::Formats;
use super::entry::Entry;
use crate::error::StoreError;
use crate::packed::unpack;

impl Formats {
    /// The format called `name`.
    pub fn named(self, name: &str) -> Option<&'static Entry> {
        self.0.iter().find(|entry| entry.name == name).copied()
    }

    /// Zarr folder in which a sweep goes on with the store at `place`: the store itself, if it is one.
    pub fn folder(self, place: &Path) -> PathBuf {
        self.of(place).packing.as_ref().map_or_else(|| place.to_owned(), |packing| (packing.folder)(place))
    }

    /// Place in `format` of the store that a sweep writes in `folder`.
    pub fn goal(self, folder: &Path, format: &Entry) -> PathBuf {
        let (above, name) = (folder.parent().unwrap_or(Path::new("")), folder.file_name().unwrap_or_default());
        let name = name.to_string_lossy();
        let plain = self.0.first().and_then(|first| name.strip_suffix(first.suffix)).unwrap_or(&name);
        (format.place)(above, plain)
    }

    /// Place where the store that a sweep wrote in `folder` lies now.
    pub fn now(self, folder: &Path) -> PathBuf {
        let places = self.0.iter().map(|format| (format, self.goal(folder, format)));
        let found = places.into_iter().find(|(format, place)| (format.exists)(place));
        found.map_or_else(|| folder.to_owned(), |(_, place)| place)
    }

    /// Turns the complete store in `folder` into a store of `format`, and removes the folder. A store whose format is that of the
    /// folder stays. Returns the place of the store.
    ///
    /// # Errors
    /// [`StoreError::InTheWay`] where something else has the place.
    pub fn pack(self, folder: &Path, format: &Entry) -> Result<PathBuf, StoreError> {
        let Some(packing) = &format.packing else { return Ok(folder.to_owned()) };
        let place = self.goal(folder, format);
        (packing.pack)(folder, &place)?;
        unpack::remove(folder)?;
        Ok(place)
    }

    /// Checks that nothing but a store of attrisweep is where the store in `folder` comes in `format`.
    ///
    /// # Errors
    /// [`StoreError::InTheWay`] where something else has the place.
    pub fn check_goal(self, folder: &Path, format: &Entry) -> Result<(), StoreError> {
        let place = self.goal(folder, format);
        if format.packing.is_none() || !place.exists() || matches!((format.describe)(&place), Ok(Some(_))) {
            return Ok(());
        }
        Err(StoreError::InTheWay { path: place })
    }

    /// Makes the Zarr folder of the store at `place`, which stays, so that a sweep can go on with it; or without what lies in some files of
    /// the store, and then marked incomplete. Returns the folder.
    pub fn unpack(self, place: &Path, without: Option<&BTreeSet<PathBuf>>) -> Result<PathBuf, StoreError> {
        let Some(packing) = &self.of(place).packing else { return Ok(place.to_owned()) };
        let folder = (packing.folder)(place);
        (packing.unpack)(place, &folder, without)?;
        Ok(folder)
    }

    /// Removes what processes that have ended left of conversions of the store in `folder`.
    pub fn remove_leftovers(self, folder: &Path) -> Result<(), StoreError> {
        for left in self.leftovers(folder) {
            std::fs::remove_dir_all(&left).map_err(|source| StoreError::Write { path: left, source })?;
        }
        Ok(())
    }

    /// Unfinished folders that conversions of the store in `folder` have left.
    pub fn leftovers(self, folder: &Path) -> Vec<PathBuf> {
        self.0.iter().flat_map(|format| folders::abandoned(&self.goal(folder, format))).collect()
    }
}
