//! Reservations of GPUs of this machine: a locked file for each GPU. The lock ends with the process that holds it.
//!
//! Two sweeps that start at the same moment, of one user or of several, both see the same GPUs idle: the driver shows work only
//! once it has begun. The files are empty and are only locked, so that no content of a stranger's file is ever read.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sweep::config::Devices;

use super::super::launcher::Reservation;
use crate::error::FleetError;
use crate::slot::Slot;

/// Variable of the environment that names the folder of the locks, in place of `/tmp`: containers that share GPUs may share one.
const FOLDER: &str = "ATTRISWEEP_RESERVATIONS";

/// Result of an attempt to reserve a GPU.
enum Taken {
    Ours(File),
    Theirs,
    /// The file could not be locked, so that nobody knows.
    Unknown(io::Error),
}

/// Reserves the GPUs of `slots`, and returns what a person should know. A GPU that another sweep has reserved is left to that sweep
/// if `devices` is `auto`; a GPU that the config names is used all the same.
pub(super) fn take(devices: &Devices, slots: &mut Vec<Slot>) -> Result<(Reservation, Vec<String>), FleetError> {
    // Not the folder for temporary files: that is another one for each user or job.
    let folder = std::env::var_os(FOLDER).map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    take_in(&folder, devices, slots)
}

fn take_in(folder: &Path, devices: &Devices, slots: &mut Vec<Slot>) -> Result<(Reservation, Vec<String>), FleetError> {
    let (mut locks, mut taken, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    slots.retain(|slot| match slot.gpu.as_deref().map(|uuid| lock(folder, uuid)) {
        None => true,
        Some(Taken::Ours(file)) => {
            locks.push(file);
            true
        }
        Some(Taken::Theirs) => {
            taken.push(slot.name.clone());
            *devices != Devices::Auto
        }
        Some(Taken::Unknown(error)) => {
            let (name, folder) = (&slot.name, folder.display());
            warnings.push(format!("{name} cannot be reserved in `{folder}` ({error}): another sweep may take it too"));
            true
        }
    });
    if slots.is_empty() {
        let reason = format!("other sweeps have just taken {}", taken.join(", "));
        return Err(FleetError::NoneIdle { reason });
    }
    if !taken.is_empty() {
        let answer = if *devices == Devices::Auto { "it is left to that one" } else { "both compute on it" };
        warnings.push(format!("another sweep has taken {}: {answer}", taken.join(", ")));
    }
    Ok((Reservation::of(locks), warnings))
}

/// Locks the file of the GPU called `uuid`, which anybody may read.
fn lock(folder: &Path, uuid: &str) -> Taken {
    // What a driver says leads to no other folder.
    let name: String = uuid.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let file = match open(&folder.join(format!("attrisweep-{name}.lock"))) {
        Ok(file) => file,
        Err(error) => return Taken::Unknown(error),
    };
    match file.try_lock() {
        Ok(()) => Taken::Ours(file),
        Err(TryLockError::WouldBlock) => Taken::Theirs,
        Err(TryLockError::Error(error)) => Taken::Unknown(error),
    }
}

/// Opens the file at `path`, or makes it. In a folder that all users may write to, a stranger may have put something else there: a
/// link is not followed, and a pipe is not waited for. A stranger's file can be opened to be locked, but not to be made.
fn open(path: &Path) -> io::Result<File> {
    let there = || OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = match there() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match OpenOptions::new().write(true).create_new(true).mode(0o644).open(path) {
                // Somebody was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => there()?,
                made => made?,
            }
        }
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no file")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(uuids: &[&str]) -> Vec<Slot> {
        let slot = |uuid: &&str| {
            let (name, gpu) = (format!("gpu:{uuid}"), Some((*uuid).to_owned()));
            Slot { name, model: "G".into(), threads: 1, gpu, memory: None }
        };
        uuids.iter().map(slot).collect()
    }

    #[test]
    fn of_two_sweeps_that_take_what_is_idle_the_second_gets_what_the_first_left() {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, mut second) = (slots(&["a", "b"]), slots(&["a", "b", "c"]));
        let (held, warnings) = take_in(folder.path(), &Devices::Auto, &mut first).unwrap();
        assert_eq!((first.len(), warnings.len()), (2, 0));
        let (_rest, warnings) = take_in(folder.path(), &Devices::Auto, &mut second).unwrap();
        assert_eq!(second, slots(&["c"]));
        assert_eq!(warnings, ["another sweep has taken gpu:a, gpu:b: it is left to that one"]);
        let none = take_in(folder.path(), &Devices::Auto, &mut slots(&["a"])).unwrap_err();
        assert!(none.to_string().contains("other sweeps have just taken gpu:a"), "{none}");
        drop(held);
        assert!(take_in(folder.path(), &Devices::Auto, &mut slots(&["a", "b"])).is_ok());
    }

    #[test]
    fn a_gpu_that_was_named_is_computed_on_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let named = Devices::Gpus(vec![0]);
        let mut slots = slots(&["a"]);
        let (_held, warnings) = take_in(folder.path(), &named, &mut slots).unwrap();
        assert_eq!(warnings.len(), 0);
        let (_, warnings) = take_in(folder.path(), &named, &mut slots).unwrap();
        assert_eq!((slots.len(), warnings), (1, vec!["another sweep has taken gpu:a: both compute on it".to_owned()]));
    }

    /// Links, pipes and folders that somebody put in the way, and a folder that is not there.
    #[test]
    fn what_a_stranger_put_in_the_way_is_neither_followed_nor_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::os::unix::fs::symlink(&target, folder.path().join("attrisweep-link.lock")).unwrap();
        let theirs = folder.path().join("theirs");
        std::fs::write(&theirs, "").unwrap();
        std::os::unix::fs::symlink(&theirs, folder.path().join("attrisweep-other.lock")).unwrap();
        std::fs::create_dir(folder.path().join("attrisweep-dir.lock")).unwrap();
        let pipe = folder.path().join("attrisweep-pipe.lock");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let mut slots = slots(&["link", "other", "dir", "pipe"]);
        let (_, warnings) = take_in(folder.path(), &Devices::Auto, &mut slots).unwrap();
        assert_eq!((slots.len(), warnings.len()), (4, 4), "{warnings:?}");
        assert!(!target.exists());
        let (_, warnings) = take_in(&target, &Devices::Auto, &mut slots).unwrap();
        assert!(warnings[0].contains("gpu:link cannot be reserved in `"), "{warnings:?}");
    }
}
