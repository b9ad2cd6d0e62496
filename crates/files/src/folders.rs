//! Folders that are whole or absent: filled under a temporary name, then renamed; removed under a temporary name, too.
//!
//! The temporary name of `x` is `.x.<process id>.tmp`, and `.x.<process id>-old.tmp` while it is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::pending::sync_folder;
use crate::temporary::{parts, path_of};

/// Temporary path of `folder` for this process. What a killed process of the same id left there is removed.
pub fn aside(folder: &Path) -> io::Result<PathBuf> {
    cleared(path_of(folder, &std::process::id().to_string())?)
}

/// Removes `folder` with all that is in it. A folder that is half removed has another name, by which what cannot be removed now, such as
/// a file that a reader on NFS has open, is found and removed by a later run.
pub fn remove(folder: &Path) -> io::Result<()> {
    let old = cleared(path_of(folder, &format!("{}-old", std::process::id()))?)?;
    fs::rename(folder, &old)?;
    sync(folder.parent().unwrap_or(Path::new("")))?;
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

fn cleared(folder: PathBuf) -> io::Result<PathBuf> {
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(folder),
    }
}

/// Gives the folder `aside`, whose files are synced, the name `folder`. When this function returns, it survives a power cut.
pub fn place(aside: &Path, folder: &Path) -> io::Result<()> {
    sync_below(aside)?;
    fs::rename(aside, folder)?;
    sync(folder.parent().unwrap_or(Path::new("")))
}

/// Makes the names in `folder` survive a power cut.
pub fn sync(folder: &Path) -> io::Result<()> {
    sync_folder(folder)
}

fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Whether `tag` is that of a process which does not run on this machine. One of another machine cannot be told from one that has ended.
fn has_ended(tag: &str) -> bool {
    let id = tag.strip_suffix("-old").unwrap_or(tag).parse::<u32>();
    id.is_ok_and(|id| id == std::process::id() || !Path::new("/proc").join(id.to_string()).exists())
}

/// Unfinished folders beside `folder` whose processes have ended, and those of this process.
pub fn abandoned(folder: &Path) -> Vec<PathBuf> {
    let (above, name) = (folder.parent().unwrap_or(Path::new("")), folder.file_name().unwrap_or_default());
    let is_of = |entry: &fs::DirEntry| {
        let file_name = entry.file_name();
        let writer = file_name.to_str().and_then(parts);
        writer.is_some_and(|(of, tag)| of == name && has_ended(tag))
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.filter(is_of).map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_whole_and_what_was_left_aside_is_found() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("s.zarr");
        let at = aside(&folder).unwrap();
        fs::create_dir_all(at.join("images")).unwrap();
        fs::write(at.join("images/c.0"), "x").unwrap();
        assert!(!folder.exists());
        assert_eq!(abandoned(&folder), std::slice::from_ref(&at));
        assert!(abandoned(&root.path().join("t.zarr")).is_empty());
        place(&at, &folder).unwrap();
        assert_eq!(fs::read(folder.join("images/c.0")).unwrap(), b"x");
        assert!(abandoned(&folder).is_empty());
    }

    #[test]
    fn a_folder_is_exchanged_for_one_that_waits_aside() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("s");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("old"), "x").unwrap();
        let at = aside(&folder).unwrap();
        fs::create_dir(&at).unwrap();
        fs::write(at.join("new"), "x").unwrap();
        remove(&folder).unwrap();
        assert!(at.join("new").is_file());
        place(&at, &folder).unwrap();
        assert!(folder.join("new").is_file() && !folder.join("old").exists());
        // More than any process has; and the first process of a machine, which never ends.
        fs::create_dir(root.path().join(".s.4194999-old.tmp")).unwrap();
        fs::create_dir(root.path().join(".s.1.tmp")).unwrap();
        assert_eq!(abandoned(&folder), [root.path().join(".s.4194999-old.tmp")]);
    }

    #[test]
    fn what_a_process_of_the_same_id_left_is_not_mixed_with_what_comes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("s.zarr");
        let at = aside(&folder).unwrap();
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("old"), "x").unwrap();
        assert_eq!(aside(&folder).unwrap(), at);
        assert!(!at.exists());
    }
}
