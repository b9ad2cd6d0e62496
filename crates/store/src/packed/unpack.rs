//! Unpacks a store from its zip, for a sweep that goes on with the store.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use files::durable;
use files::folders;

use super::archive::{Archive, Part};
use crate::error::StoreError;
use crate::metadata::reopen::reopen;

/// Number of bytes that are copied at once.
const AT_ONCE: u64 = 1 << 20;

/// Unpacks the store in `zip` into `folder`, which must not exist; or without some entries, and then marked incomplete. Either all of that
/// is there afterwards, or nothing is; the zip stays.
pub(crate) fn unpack(zip: &Path, folder: &Path, without: Option<&BTreeSet<PathBuf>>) -> Result<(), StoreError> {
    let unread = |source| StoreError::Read { path: zip.to_owned(), source };
    let archive = Archive::open(zip).map_err(unread)?;
    let aside = folders::aside(folder).map_err(|source| StoreError::Write { path: folder.to_owned(), source })?;
    let is_wanted =
        |name: &&str| !name.ends_with('/') && without.is_none_or(|without| !without.contains(&zip.join(name)));
    for name in archive.names().filter(is_wanted) {
        let to = inside(&aside, name).ok_or_else(|| StoreError::Damaged {
            path: zip.to_owned(),
            reason: format!("its entry `{name}` would lie outside of the store"),
        })?;
        let part = archive.part(name).map_err(unread)?;
        durable::create_folders(to.parent().unwrap_or(&aside))?;
        copy(&part, &to, zip)?;
    }
    if without.is_some() {
        reopen(&aside, &std::process::id().to_string())?;
    }
    folders::place(&aside, folder).map_err(|source| StoreError::Write { path: folder.to_owned(), source })
}

/// Path `name` below `folder`; `None` for a name that leads elsewhere. Names are read from stores that anybody may have made.
pub(crate) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(name))
}

fn copy(part: &Part, to: &Path, zip: &Path) -> Result<(), StoreError> {
    let failed = |source: io::Error| StoreError::Write { path: to.to_owned(), source };
    let mut file = File::create(to).map_err(failed)?;
    let mut at = 0;
    while at < part.length() {
        let bytes = part.read(at, AT_ONCE.min(part.length() - at));
        let bytes = bytes.map_err(|source| StoreError::Read { path: zip.to_owned(), source })?;
        file.write_all(&bytes).map_err(failed)?;
        at += bytes.len() as u64;
    }
    file.sync_all().map_err(failed)
}

/// Removes the store in `folder`, which lies whole in another form beside it. A folder that is half removed has another name.
pub(crate) fn remove(folder: &Path) -> Result<(), StoreError> {
    folders::remove(folder).map_err(|source| StoreError::Write { path: folder.to_owned(), source })
}
