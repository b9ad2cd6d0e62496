//! A table of pictures and labels: a row `file,label` for each picture, in the order of the images. The first row may have
//! names of columns, and is left out then.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use super::{Listing, content};
use crate::DataError;

/// Largest table in bytes.
const MOST: u64 = 256 << 20;

/// Lists the pictures of `folder` that `table` names.
pub(super) fn list(table: &Path, folder: &Path) -> Result<Listing, DataError> {
    let failed = |source| DataError::Read { file: table.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(table).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(content(table, format!("more than {} MiB", MOST >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| content(table, "no text in UTF-8".to_owned()))?;
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    for (row, (at, line)) in lines.filter(|(_, line)| !line.trim().is_empty()).enumerate() {
        let wrong = |found: &str| content(table, format!("line {}: {found}", at + 1));
        let Some((file, label)) = line.rsplit_once(',') else { return Err(wrong("no comma, expected `file,label`")) };
        let (file, label) = (unquoted(file), unquoted(label));
        let Ok(label) = label.parse::<i64>() else {
            if row == 0 && !folder.join(file).is_file() {
                continue;
            }
            return Err(wrong(&format!("the label `{label}`, expected a whole number")));
        };
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || !folder.join(file).is_file() {
            return Err(wrong(&format!("no file `{file}` in `{}`", folder.display())));
        }
        files.push(file.to_owned());
        labels.push(label.max(crate::formats::NO_LABEL));
    }
    Ok(Listing { files, labels: Ok(labels) })
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(field)
}
