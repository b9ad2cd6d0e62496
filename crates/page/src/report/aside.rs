//! Place beside a report, where the report is written before it is put in place.
//!
//! Whoever writes there holds a lock. So what an interrupted program has left is known from what another one writes just now: in a
//! container each program may have the same process id, and on another machine the ids say nothing. Where locks are of one machine alone, or
//! of none, whoever begins a report at a place where another machine writes one removes what that one has written: it ends with an error.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::form::Form;

/// What stands between the name of a report and a process id: no other program has such names.
const OURS: &str = ".attrisweep-";
/// Ending of the name of an earlier report that makes room for a new one.
const OLD: &str = "old";

/// Folder or file beside a report. What was not put in place is removed when it is dropped.
pub(super) struct Aside {
    pub(super) path: PathBuf,
    /// Folder or file, open and locked.
    held: File,
    /// Whether the report is in place: what has this path then is another program's.
    is_placed: Cell<bool>,
}

impl Aside {
    /// Makes an empty folder or file beside `to`, in place of what interrupted programs have left there.
    pub(super) fn begin(to: &Path, form: Form) -> Result<Self, ReportError> {
        let name = to.file_name().ok_or_else(|| ReportError::Taken { place: to.to_owned() })?.to_string_lossy();
        let path = to.with_file_name(format!(".{name}{OURS}{}", std::process::id()));
        let failed = |source| ReportError::Write { path: path.clone(), source };
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed)?;
        clear(parent, &name, to).map_err(failed)?;
        let held = match form {
            Form::Folder => fs::create_dir(&path).and_then(|()| File::open(&path)),
            Form::Zip | Form::OneFile => File::create_new(&path),
        };
        let held = held.map_err(failed)?;
        // A file system without locks has none: there, nothing is ever taken for left behind, either.
        let _ = held.try_lock();
        Ok(Self { path, held, is_placed: Cell::new(false) })
    }

    /// The file, for writing.
    pub(super) fn file(&self) -> io::Result<File> {
        self.held.try_clone()
    }

    /// Puts the report in place. Where that fails, the report that was there before is there again.
    pub(super) fn put_in_place(&self, to: &Path) -> io::Result<()> {
        if !self.path.is_dir() || !to.exists() {
            fs::rename(&self.path, to)?;
            self.is_placed.set(true);
            return Ok(());
        }
        // A folder cannot take the place of another one in one step. Nobody is to take the earlier one for left behind in between.
        let earlier = File::open(to)?;
        let _ = earlier.try_lock();
        let old = self.path.with_added_extension(OLD);
        fs::rename(to, &old)?;
        if let Err(error) = fs::rename(&self.path, to) {
            let _ = fs::rename(&old, to);
            return Err(error);
        }
        self.is_placed.set(true);
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_placed.get() {
            let _ = remove(&self.path);
        }
    }
}

/// Removes what interrupted programs have left in `folder` of a report `to` with this `name`; an earlier report that had made room is put
/// back, if nothing has taken its place.
fn clear(folder: &Path, name: &str, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let known =
            path.file_name().and_then(|of| of.to_str()?.strip_prefix('.')?.strip_prefix(name)?.strip_prefix(OURS));
        let (id, is_old) = match known.map(|rest| rest.split_once('.').map_or((rest, ""), |(id, rest)| (id, rest))) {
            Some((id, "")) => (id, false),
            Some((id, OLD)) => (id, true),
            _ => continue,
        };
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) || !is_left(&path) {
            continue;
        }
        let cleared = if is_old && !to.exists() { fs::rename(&path, to) } else { remove(&path) };
        // Another program clears, too.
        cleared.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

/// Whether nobody writes to `path`, or is about to remove it, any more.
fn is_left(path: &Path) -> bool {
    File::open(path).is_ok_and(|held| held.try_lock().is_ok())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interrupted_report_has_left_is_cleared_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (to, at) = (folder.path().join("report"), |name: &str| folder.path().join(name));
        // Of the same process id, as in a container, and of another one.
        let same = at(&format!(".report.attrisweep-{}", std::process::id()));
        for left in [&same, &at(".report.attrisweep-1")] {
            fs::create_dir_all(left.join("figures")).unwrap();
        }
        fs::write(at(".report.attrisweep-2"), "half a zip").unwrap();
        fs::create_dir(at(".report.attrisweep-3")).unwrap();
        // Of somebody else, whatever the name says of years.
        fs::create_dir(at(".report.2024")).unwrap();
        fs::write(at(".report.attrisweep-notes"), "mine").unwrap();
        let other = File::open(at(".report.attrisweep-3")).unwrap();
        other.lock().unwrap();
        let aside = Aside::begin(&to, Form::Folder).unwrap();
        let is_empty = fs::read_dir(&same).unwrap().next().is_none();
        let there = ["attrisweep-1", "attrisweep-2", "attrisweep-3", "attrisweep-notes", "2024"]
            .map(|name| at(&format!(".report.{name}")).exists());
        assert_eq!((is_empty, there), (true, [false, false, true, true, true]));
        drop(aside);
        assert!(!same.exists());
    }

    #[test]
    fn an_earlier_report_that_made_room_comes_back_if_no_other_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("report");
        let old = folder.path().join(".report.attrisweep-1.old");
        fs::create_dir(&old).unwrap();
        fs::write(old.join("index.html"), "earlier").unwrap();
        // Interrupted between the two steps.
        let aside = Aside::begin(&to, Form::Folder).unwrap();
        assert_eq!(fs::read_to_string(to.join("index.html")).unwrap(), "earlier");
        // The second step fails, as no folder goes into itself.
        let held = aside.file().unwrap();
        let outer = Aside { path: folder.path().join("outer"), held, is_placed: Cell::new(false) };
        let inner = outer.path.join("report");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("index.html"), "earlier").unwrap();
        assert!(outer.put_in_place(&inner).is_err());
        assert_eq!(fs::read_to_string(inner.join("index.html")).unwrap(), "earlier");
        drop(outer);
        aside.put_in_place(&to).unwrap();
        assert!(!to.join("index.html").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
