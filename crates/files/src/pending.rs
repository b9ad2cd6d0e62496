//! A file that is written piece by piece under a temporary name, and gets its own name once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::FileError;
use crate::temporary::path_of;

/// Number of times that a temporary file may be removed while it is being written.
pub(crate) const REMOVALS: u32 = 5;

/// A file that is being written. Dropped before it is [placed](PendingFile::place), it leaves nothing behind.
#[derive(Debug)]
pub struct PendingFile {
    path: PathBuf,
    temporary: PathBuf,
    /// Open for reading too: bytes of a temporary file that was removed are copied out of it.
    file: File,
    locked: bool,
    placed: bool,
    /// Whether a write through [`Write`] has failed: the file will never be whole.
    broken: bool,
}

impl PendingFile {
    /// Begins the file that is to be at `path`. The `tag` tells apart writers of the same file.
    pub fn create(path: &Path, tag: &str) -> Result<Self, FileError> {
        Self::begin(path, tag, false)
    }

    /// Begins a file like [`PendingFile::create`], whose temporary file is locked until it is placed or dropped.
    ///
    /// In a folder that machines share, the lock tells a living writer where its process id cannot. Without locks on the file
    /// system, the process id has to do.
    pub fn create_locked(path: &Path, tag: &str) -> Result<Self, FileError> {
        Self::begin(path, tag, true)
    }

    fn begin(path: &Path, tag: &str, locked: bool) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        let temporary = path_of(path, tag).map_err(failed)?;
        let file = open(&temporary, locked).map_err(failed)?;
        Ok(Self { path: path.to_owned(), temporary, file, locked, placed: false, broken: false })
    }

    /// Appends `bytes`.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Size of what was written so far, in bytes.
    pub fn size(&self) -> Result<u64, FileError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|source| self.failed(source))
    }

    /// Gives the file its name. When this function returns, the file survives a power cut.
    pub fn place(mut self) -> Result<(), FileError> {
        if self.broken {
            return Err(self.failed(io::Error::other("a write to it has failed before")));
        }
        let put = |this: &mut Self| this.file.sync_all().and_then(|()| fs::rename(&this.temporary, &this.path));
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut placed = put(&mut self);
        for _ in 0..REMOVALS {
            // A scheduler that starts tidies up, and cannot tell a writer that lives from one that is dead.
            if !placed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound && folder.is_dir()) {
                break;
            }
            placed = self.copy().and_then(|()| put(&mut self));
        }
        placed.map_err(|source| self.failed(source))?;
        self.placed = true;
        sync_folder(&folder).map_err(|source| self.failed(source))
    }

    /// Makes the temporary file anew: the open file still has the bytes of a file that was removed.
    fn copy(&mut self) -> io::Result<()> {
        let mut again = open(&self.temporary, self.locked)?;
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, &mut again)?;
        self.file = again;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> FileError {
        FileError::Write { path: self.path.clone(), source }
    }
}

/// For writers that go back in a file. An error does not name the file.
///
/// A writer of zips whose write has failed ends its zip once more when it is dropped, takes the position in the file for that behind its
/// last entry, and panics if the position is before that (debug builds of the crate `zip`). So a file of which a write has failed takes
/// everything, is at its end, and cannot be placed.
impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes);
        self.broken = written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.broken { Ok(self.file.metadata()?.len()) } else { self.file.seek(to) }
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.placed {
            // The disk may be full: an unfinished file must not stay.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn open(path: &Path, locked: bool) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    if locked {
        // Without locks the name has to do.
        let _ = file.try_lock();
    }
    Ok(file)
}

/// Makes the names in `folder` survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(here)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leftovers;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_there_only_once_it_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("c.0");
        let mut file = PendingFile::create(&path, "run-1").unwrap();
        file.append(b"one ").unwrap();
        file.append(b"two").unwrap();
        assert_eq!(names(root.path()), [".c.0.run-1.tmp"]);
        file.place().unwrap();
        assert_eq!(names(root.path()), ["c.0"]);
        assert_eq!(fs::read(&path).unwrap(), b"one two");
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mut file = PendingFile::create(&root.path().join("c.0"), "t").unwrap();
        file.append(b"half").unwrap();
        drop(file);
        assert!(names(root.path()).is_empty());
    }

    /// A scheduler that is started anew tidies up while workers of the one before it write, for minutes at a file.
    #[test]
    fn a_temporary_file_that_is_removed_while_it_is_written_is_there_whole_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("c.0");
        let mut file = PendingFile::create(&path, "t").unwrap();
        file.append(b"before ").unwrap();
        leftovers::remove(root.path()).unwrap();
        file.append(b"after").unwrap();
        file.place().unwrap();
        assert_eq!((names(root.path()), fs::read(&path).unwrap()), (vec!["c.0".to_owned()], b"before after".to_vec()));
    }

    #[test]
    fn a_folder_that_has_gone_is_told_and_not_made_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("array");
        fs::create_dir(&folder).unwrap();
        let mut file = PendingFile::create(&folder.join("c.0"), "t").unwrap();
        file.append(b"x").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(file.place().unwrap_err().to_string().ends_with("c.0`"));
        assert!(!folder.exists());
    }
}
