//! A folder for each class, or pictures without classes.
//!
//! Classes are numbered in the order of their names. Pictures of a class are those in its folder and in all folders below, by the
//! path of the folder and then by name: the order of torchvision's `ImageFolder`.

use std::path::Path;

use super::{Listing, content, folders, is_picture, names};
use crate::DataError;

/// Most folders inside one another.
const DEEPEST: usize = 16;

/// Lists the pictures below `folder`.
pub(super) fn list(folder: &Path) -> Result<Listing, DataError> {
    let classes = folders(folder)?;
    let flat = pictures(folder)?;
    if classes.is_empty() {
        return Ok(Listing { files: flat, labels: Err("no folder for each class, and no table beside it".to_owned()) });
    }
    if let Some(first) = flat.first() {
        let split = folder.file_name().unwrap_or_default().to_string_lossy();
        let reason = format!(
            "folders of classes and pictures beside them (`{first}`); keep one of both, or list pictures in `{split}.csv`"
        );
        return Err(content(folder, reason));
    }
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    for (label, class) in classes.iter().enumerate() {
        let mut below = vec![class.clone()];
        collect(folder, class, &mut below, DEEPEST)?;
        below.sort();
        let before = files.len();
        for path in below {
            files.extend(pictures(&folder.join(&path))?.into_iter().map(|name| format!("{path}/{name}")));
        }
        if files.len() == before {
            return Err(content(
                &folder.join(class),
                "no picture in it, and it counts as a class; remove it".to_owned(),
            ));
        }
        labels.resize(files.len(), label as i64);
    }
    Ok(Listing { files, labels: Ok(labels) })
}

/// Adds the paths of all folders below `path` to `below`.
fn collect(root: &Path, path: &str, below: &mut Vec<String>, deepest: usize) -> Result<(), DataError> {
    for name in folders(&root.join(path))? {
        if deepest == 0 {
            return Err(content(&root.join(path), format!("more than {DEEPEST} folders inside one another")));
        }
        let inner = format!("{path}/{name}");
        collect(root, &inner, below, deepest - 1)?;
        below.push(inner);
    }
    Ok(())
}

/// Names of the pictures in `folder`, sorted.
fn pictures(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut pictures = Vec::new();
    for name in names(folder)? {
        if is_picture(folder, &name)? && !folder.join(&name).is_dir() {
            pictures.push(name);
        }
    }
    Ok(pictures)
}
