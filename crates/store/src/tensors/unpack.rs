//! Makes the Zarr folder of a store of tensors again: the same metadata, and the same shards, which are encoded anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::durable;
use files::folders;

use crate::error::StoreError;
use crate::export::selection::Selection;
use crate::export::view::View;
use crate::export::zarr_folder;
use crate::metadata::reopen::reopen;
use crate::metadata::root::{self, METADATA, put_json};
use crate::shards::Shards;
use crate::tensors::{self, carry, check};

/// Makes `folder`, which must not exist, of the tensors at `place`; or without those in some files, and then marked incomplete. The
/// tensors stay.
///
/// # Errors
/// [`StoreError::Damaged`] for a tensor whose bytes are not those of its checksum: encoded anew, they would look sound.
pub(crate) fn unpack(place: &Path, folder: &Path, without: Option<&BTreeSet<PathBuf>>) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { path: folder.to_owned(), source };
    let tag = std::process::id().to_string();
    let aside = folders::aside(folder).map_err(failed)?;
    durable::create_folders(&aside)?;
    let mut view = View::open(place, &Selection::default())?;
    for (path, node) in view.described.consolidated.clone() {
        durable::create_folders(&aside.join(&path))?;
        put_json(&aside.join(path).join(METADATA), &node, &tag)?;
    }
    let mut shards = Shards::open(aside.clone(), tag.clone());
    for column in view.columns.clone() {
        // What is missing is to do for whoever goes on with the store.
        let file = tensors::file(place, &column.path);
        if file.is_file() && without.is_none_or(|without| !without.contains(&file)) {
            check::sound(&view, place, &column)?;
            zarr_folder::copy(&mut view, &column, &mut shards)?;
        }
    }
    carry::copy(&carry::beside_tensors(&view, place)?, place, &aside)?;
    // The bytes of the root as they were: a digest of them is in the root.
    let text =
        std::fs::read(root::file(place)).map_err(|source| StoreError::Read { path: root::file(place), source })?;
    durable::put(&aside.join(METADATA), &text, &tag)?;
    if without.is_some() {
        reopen(&aside, &tag)?;
    }
    folders::place(&aside, folder).map_err(failed)
}
