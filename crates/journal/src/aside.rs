//! Journals that cannot be used: they are renamed and never removed, as they are somebody's history.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::JournalError;
use crate::row::now;

/// Path of the journal of the output folder `folder`. The journal lies beside the lock, which keeps a second writer away.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("attrisweep-journal.sqlite")
}

/// Suffixes of files that belong to a journal of SQLite.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Mark in the name of a damaged journal, before the seconds since 1970.
const DAMAGED: &str = ".damaged-";
/// Mark in the name of a file that may be of use to somebody.
const KEPT: &str = ".kept-";

/// Finds a path of the journal or of what belongs to it that exists and is no file, but a folder or a pipe.
pub(crate) fn irregular(file: &Path) -> Option<PathBuf> {
    let all = std::iter::once(file.to_owned()).chain(companions(file));
    all.into_iter().find(|path| path.metadata().is_ok_and(|metadata| !metadata.is_file()))
}

/// Renames files beside the journal that SQLite would replay into it; the new name that the journal would have. `None` if
/// there was nothing.
pub(crate) fn put_logs_aside(file: &Path) -> Result<Option<PathBuf>, JournalError> {
    let there = companions(file).iter().any(|path| path.symlink_metadata().is_ok());
    let aside = there.then(|| free_name(file, KEPT));
    aside.map(|aside| rename_logs(file, &aside).map(|()| aside)).transpose()
}

/// Renames the journal and what belongs to it to `<name>.damaged-<seconds since 1970>`, or to `.kept-` if `error` says that
/// the journal is sound but not ours.
pub(crate) fn put_aside(file: &Path, error: &JournalError) -> Result<PathBuf, JournalError> {
    let is_sound = matches!(error, JournalError::NotOurs { .. });
    let aside = free_name(file, if is_sound { KEPT } else { DAMAGED });
    rename(file, &aside)?;
    // Left beside a new journal, an old log would be played into it.
    rename_logs(file, &aside)?;
    Ok(aside)
}

/// Damaged journals of `folder` that were renamed.
pub fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let name = file(Path::new("")).to_string_lossy().into_owned() + DAMAGED;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name))).collect();
    files.sort();
    files
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn companions(file: &Path) -> [PathBuf; 3] {
    COMPANIONS.map(|suffix| with(file, suffix))
}

/// Finds a name that does not exist yet: clocks are set back, and two journals may break in one second.
fn free_name(file: &Path, kind: &str) -> PathBuf {
    let taken = |aside: &Path| aside.symlink_metadata().is_ok() || companions(aside).iter().any(|path| path.exists());
    let second = now() as u64;
    let names = (second..).map(|second| with(file, &format!("{kind}{second}")));
    names.into_iter().find(|aside| !taken(aside)).unwrap_or_else(|| with(file, kind))
}

fn rename_logs(file: &Path, aside: &Path) -> Result<(), JournalError> {
    companions(file).iter().zip(companions(aside)).try_for_each(|(log, aside)| rename(log, &aside))
}

/// Renames a file if the file exists.
fn rename(file: &Path, aside: &Path) -> Result<(), JournalError> {
    match fs::rename(file, aside) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::Aside { file: file.to_owned(), aside: aside.to_owned(), source })
        }
        _ => Ok(()),
    }
}
