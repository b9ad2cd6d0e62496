//! A file that is written piece by piece, aside, and put in place once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::durable::{SWEPT, beside, sync_folder};

/// A file under way. Dropped before it is placed, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Aside {
    path: PathBuf,
    beside: PathBuf,
    /// Read and write: what was swept away is copied out of it.
    file: File,
    placed: bool,
}

impl Aside {
    /// Begins the file that is to be at `path`. `tag` tells apart writers of the same file.
    pub(crate) fn create(path: &Path, tag: &str) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Write { path: path.to_owned(), source };
        let aside = beside(path, tag).map_err(failed)?;
        let file = open(&aside).map_err(failed)?;
        Ok(Self { path: path.to_owned(), beside: aside, file, placed: false })
    }

    /// Writes `bytes` after what is there.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Puts the file in place. When this returns, it survives a power cut.
    pub(crate) fn place(mut self) -> Result<(), StoreError> {
        let put = |this: &mut Self| this.file.sync_all().and_then(|()| fs::rename(&this.beside, &this.path));
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut placed = put(&mut self);
        for _ in 0..SWEPT {
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

    /// Gives the bytes another name aside: without one, the open file still has them.
    fn copy(&mut self) -> io::Result<()> {
        let mut again = open(&self.beside)?;
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, &mut again)?;
        self.file = again;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::Write { path: self.path.clone(), source }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.placed {
            // The disk may be full: what was written aside must not stay.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_there_only_once_it_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("c.0");
        let mut file = Aside::create(&path, "run-1").unwrap();
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
        let mut file = Aside::create(&root.path().join("c.0"), "t").unwrap();
        file.append(b"half").unwrap();
        drop(file);
        assert!(names(root.path()).is_empty());
    }

    /// A scheduler that is started anew sweeps while workers of the one before it write, for minutes at a file.
    #[test]
    fn a_file_that_is_swept_away_while_it_is_written_is_there_whole_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("c.0");
        let mut file = Aside::create(&path, "t").unwrap();
        file.append(b"before ").unwrap();
        durable::sweep(root.path()).unwrap();
        file.append(b"after").unwrap();
        file.place().unwrap();
        assert_eq!((names(root.path()), fs::read(&path).unwrap()), (vec!["c.0".to_owned()], b"before after".to_vec()));
    }

    #[test]
    fn a_folder_that_has_gone_is_told_and_not_made_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("array");
        fs::create_dir(&folder).unwrap();
        let mut file = Aside::create(&folder.join("c.0"), "t").unwrap();
        file.append(b"x").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(file.place().unwrap_err().to_string().ends_with("c.0`"));
        assert!(!folder.exists());
    }
}
