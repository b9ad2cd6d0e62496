//! Writes the tensors of a store, or of a part of it.

use std::path::Path;

use files::durable;
use files::pending::PendingFile;
use files::torch::TensorWriter;

use crate::error::StoreError;
use crate::export::columns::Column;
use crate::export::view::View;
use crate::tensors::{self, STEM};

/// Writes the arrays of `view` into `folder`, which is made, each as one tensor. Returns the number of bytes.
pub(crate) fn tensors(view: &mut View, folder: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for column in view.columns.clone() {
        bytes += tensor(view, &column, folder)?;
    }
    Ok(bytes)
}

fn tensor(view: &mut View, column: &Column, folder: &Path) -> Result<u64, StoreError> {
    let path = tensors::file(folder, &column.path);
    durable::create_folders(path.parent().unwrap_or(folder))?;
    let failed = |source| StoreError::Write { path: path.clone(), source };
    let mut file = PendingFile::create(&path, &std::process::id().to_string())?;
    let shape = column.shape(view.len());
    let mut writer = TensorWriter::begin(&mut file, STEM, column.element, &shape).map_err(failed)?;
    view.each(column, |_, data| writer.append(&data.into_little_endian()).map_err(failed))?;
    writer.finish().map_err(failed)?;
    let bytes = file.size()?;
    file.place()?;
    Ok(bytes)
}

/// Writes what the export was made of.
pub(crate) fn source(view: &View, folder: &Path) -> Result<(), StoreError> {
    let text = format!("{:#}\n", view.attributes());
    Ok(durable::put(&folder.join(SOURCE_FILE), text.as_bytes(), &std::process::id().to_string())?)
}

/// Name of the file that says what a part of a store was made of.
pub(crate) const SOURCE_FILE: &str = "source.json";
