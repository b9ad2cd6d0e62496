//! Export of finished stores: all of a store or a part, in the forms that other programs read.
//!
//! A [`View`] reads a part of a store of any format, image by image; a file here for each form writes it. The forms that are
//! store formats too are made by [`crate::formats`] where the whole of a store is wanted.

pub(crate) mod aside;
pub(crate) mod columns;
mod netcdf;
pub(crate) mod selection;
pub(crate) mod view;
pub(crate) mod zarr_folder;

use aside::{aside, refuse_occupied};
pub use selection::Selection;
pub use view::View;

use std::fs::File;
use std::path::{Path, PathBuf};

use files::{durable, folders};

use crate::error::StoreError;
use crate::formats::{Entry, FORMATS};
use crate::packed::pack::entries;
use crate::tensors::{self, check};

/// Form of an export.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A store format.
    Store(&'static Entry),
    /// One netCDF file.
    Netcdf,
}

impl Form {
    /// Names of all forms.
    pub fn names() -> Vec<&'static str> {
        FORMATS.0.iter().map(|format| format.name).chain(["netcdf"]).collect()
    }

    /// The form called `name`.
    pub fn named(name: &str) -> Option<Self> {
        if name == "netcdf" { Some(Self::Netcdf) } else { FORMATS.named(name).map(Self::Store) }
    }

    /// Place in `folder` of the export of the store called `name`.
    pub fn place(self, folder: &Path, name: &str) -> PathBuf {
        match self {
            Self::Store(format) => (format.place)(folder, name),
            Self::Netcdf => folder.join(format!("{name}{}", netcdf::SUFFIX)),
        }
    }
}

/// Exports the part `selection` of the complete store at `store` to `place`, below `folder`. A file that an earlier export has left at
/// `place` is replaced once the new one is whole. Returns the number of bytes that were written; `None` if the store is at `place`
/// already.
///
/// # Errors
/// [`StoreError::InTheWay`] and [`StoreError::Occupied`] where `place` is something else.
pub fn export(store: &Path, selection: &Selection, form: Form, place: &Path) -> Result<Option<u64>, StoreError> {
    if store == place {
        return Ok(None);
    }
    durable::create_folders(place.parent().unwrap_or(Path::new("")))?;
    let written = match form {
        Form::Netcdf => netcdf::write(&mut checked(store, &Selection { float32: true, ..selection.clone() })?, place)?,
        Form::Store(format) if selection.is_everything() => whole(store, format, place)?,
        Form::Store(format) => (format.part)(&mut checked(store, selection)?, place)?,
    };
    Ok(Some(written))
}

/// Opens the part `selection` of `store`, whose files are sound.
fn checked(store: &Path, selection: &Selection) -> Result<View, StoreError> {
    let view = View::open(store, selection)?;
    // Reading an image of a store of tensors compares no checksum.
    if tensors::is_place(store) {
        view.columns.iter().try_for_each(|column| check::sound(&view, store, column))?;
    }
    Ok(view)
}

/// Makes a store of `format` of the whole store at `store`.
fn whole(store: &Path, format: &Entry, place: &Path) -> Result<u64, StoreError> {
    let source = FORMATS.of(store);
    match (&source.packing, &format.packing) {
        (None, Some(packing)) => (packing.pack)(store, place),
        (None, None) => aside(place, |folder| copy(store, folder)),
        (Some(from), None) => {
            refuse_occupied(place)?;
            (from.unpack)(store, place, None).and_then(|()| size(place))
        }
        (Some(from), Some(to)) => {
            let folder = folders::aside(&(to.folder)(place));
            let folder = folder.map_err(|source| StoreError::Write { path: place.to_owned(), source })?;
            let packed = (from.unpack)(store, &folder, None).and_then(|()| (to.pack)(&folder, place));
            let _ = std::fs::remove_dir_all(&folder);
            packed
        }
    }
}

/// Copies the files of the finished store in `store` that readers need. Returns their bytes.
fn copy(store: &Path, folder: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for path in entries(store)? {
        let to = folder.join(path.strip_prefix(store).unwrap_or(&path));
        durable::create_folders(to.parent().unwrap_or(folder))?;
        let copied = std::fs::copy(&path, &to).and_then(|size| File::open(&to)?.sync_all().map(|()| size));
        bytes += copied.map_err(|source| StoreError::Write { path: to, source })?;
    }
    Ok(bytes)
}

/// Size in bytes of the files of the store in `folder`.
fn size(folder: &Path) -> Result<u64, StoreError> {
    let size = |path: PathBuf| {
        std::fs::metadata(&path).map(|found| found.len()).map_err(|source| StoreError::Read { path, source })
    };
    entries(folder)?.into_iter().map(size).sum()
}
