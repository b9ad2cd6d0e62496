//! Checks the files of a store of tensors: each is there, is that of its array, and has the checksum that it says.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::ZipArchive;

use super::{ROOT, Tensor, file};
use crate::error::StoreError;
use crate::export::columns::Column;
use crate::export::view::View;
use crate::packed::tree;

/// Whether every array of `nodes`, the consolidated metadata, has its tensor at `place`.
pub(crate) fn is_whole<'a>(place: &Path, mut arrays: impl Iterator<Item = (&'a String, &'a Value)>) -> bool {
    arrays.all(|(path, node)| Tensor::open(&file(place, path), node).is_ok())
}

/// Reason for which the tensor in `file`, which exists, must not be used; one sentence. The whole file is read.
pub(crate) fn fault(file: &Path, metadata: &Value) -> Option<String> {
    let read = Tensor::open(file, metadata).and_then(|_| checksums(file));
    read.err().map(|error| error.to_string())
}

/// Checks that the tensor of `column` at `place` is the one that was written there, before its values go elsewhere under new checksums.
pub(crate) fn sound(view: &View, place: &Path, column: &Column) -> Result<(), StoreError> {
    let path = file(place, &column.path);
    let metadata = view.described.consolidated.get(&column.path).unwrap_or(&Value::Null);
    fault(&path, metadata).map_or(Ok(()), |reason| Err(StoreError::Damaged { path, reason }))
}

/// Reads every entry of the zip, which compares the checksums.
fn checksums(file: &Path) -> io::Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(file)?)).map_err(io::Error::from)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::from)?;
        io::copy(&mut entry, &mut io::sink())?;
    }
    Ok(())
}

/// Files at `place` that are none of `known`, nor the metadata.
pub(crate) fn strangers(place: &Path, known: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        for (name, is_folder) in tree::list(&folder).into_iter().flatten() {
            let path = folder.join(name);
            if is_folder && known.iter().any(|known| known.starts_with(&path)) {
                folders.push(path);
            } else if is_folder || !(known.contains(&path) || path == place.join(ROOT)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
