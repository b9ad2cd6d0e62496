//! Places of the logs of a sweep, in a folder that other sweeps may use too.
//!
//! The names `scheduler.log` and `worker-0.log` belong to the sweep that came first, and a mark in the folder names that
//! sweep. Logs of another sweep have a part of a digest of its output folder in their names.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use files::FileError;
use logs::OLD;
use sha2::{Digest, Sha256};
use sweep::config::Paths;

/// File that names the owner of the plain names: the path of an output folder.
const MARK: &str = ".attrisweep.logs";
/// Longest path in a mark, in bytes.
const MOST: u64 = 4096;
/// Number and length of waits for the text of a mark: a process that has just made a mark may not have written the text yet.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(20));

/// Log files of one sweep.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    folder: PathBuf,
    /// Part of the names that tells them from those of other sweeps; `None` for the first sweep.
    tag: Option<String>,
}

impl Logs {
    /// Claims the log files of the sweep with these `paths`, whose output folder is locked. A folder of logs without an
    /// owner becomes the property of this sweep.
    pub(crate) fn claim(paths: &Paths) -> io::Result<Self> {
        files::durable::create_folders(&paths.log_dir).map_err(FileError::into_source)?;
        let mark = paths.log_dir.join(MARK);
        // What is left of a sweep that has gone is the next one's.
        if mark.exists() && owner(&paths.log_dir).is_none_or(|owner| !owner.is_dir()) {
            let _ = fs::remove_file(&mark);
        }
        // Of several who are as fast one makes the mark. A full disk costs the plain names, not the sweep.
        let _ = File::create_new(&mark).and_then(|mut file| file.write_all(name(&paths.output_dir).as_bytes()));
        Ok(Self::find(paths))
    }

    /// Finds the log files of a sweep that is only looked at, and claims nothing.
    pub(crate) fn find(paths: &Paths) -> Self {
        let output = name(&paths.output_dir);
        let first = owner(&paths.log_dir).is_some_and(|owner| owner == Path::new(&output));
        let tag = (!first).then(|| hex::encode(&Sha256::digest(output)[..4]));
        Self { folder: paths.log_dir.clone(), tag }
    }

    /// Log file of the scheduler.
    pub(crate) fn scheduler(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.named("scheduler")))
    }

    /// Beginning of the names of the logs of workers, before the number of the worker.
    pub(crate) fn worker(&self) -> String {
        self.named("worker")
    }

    /// Logs that are there, without older ones.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let logs = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| self.is_log(name)));
        logs.map(|entry| entry.path()).collect()
    }

    /// Whether the file called `file` is a log of this sweep, an older one, or the mark that names the sweep.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.is_log(file.strip_suffix(OLD).unwrap_or(file)) || self.tag.is_none() && file == MARK
    }

    fn is_log(&self, file: &str) -> bool {
        let Some(log) = file.strip_suffix(".log") else { return false };
        let number = log.strip_prefix(&self.worker()).and_then(|rest| rest.strip_prefix('-'));
        let is_number = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        log == self.named("scheduler") || number.is_some_and(is_number)
    }

    fn named(&self, program: &str) -> String {
        self.tag.as_ref().map_or_else(|| program.to_owned(), |tag| format!("{program}-{tag}"))
    }
}

/// Name of a sweep: the path of its output folder, however its config spells the path.
fn name(output: &Path) -> String {
    let path = output.canonicalize().or_else(|_| std::path::absolute(output));
    path.as_deref().unwrap_or(output).to_string_lossy().into_owned()
}

/// Output folder of the sweep that owns the plain names in `folder`.
fn owner(folder: &Path) -> Option<PathBuf> {
    let read = || {
        let mut text = String::new();
        File::open(folder.join(MARK)).ok()?.take(MOST).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let mut text = read()?;
    for _ in 0..PATIENCE.0 {
        if !text.is_empty() {
            break;
        }
        sleep(PATIENCE.1);
        text = read()?;
    }
    Some(PathBuf::from(text)).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(root: &Path, output: &str) -> Paths {
        fs::create_dir_all(root.join(output)).unwrap();
        Paths { output_dir: root.join(output), log_dir: root.join("logs"), ..Paths::default() }
    }

    #[test]
    fn of_sweeps_with_one_folder_of_logs_each_knows_its_own() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (paths(root.path(), "a"), paths(root.path(), "b"));
        let first = Logs::claim(&a).unwrap();
        let second = Logs::claim(&b).unwrap();
        assert_eq!((first.scheduler(), first.worker()), (a.log_dir.join("scheduler.log"), "worker".to_owned()));
        assert!(first.has("scheduler.log") && first.has("worker-12.log") && first.has(MARK));
        let (log, worker) = (second.scheduler(), format!("{}-0.log", second.worker()));
        let log = log.file_name().unwrap().to_str().unwrap();
        fs::write(first.scheduler(), "").unwrap();
        assert!(first.has("scheduler.log.1") && !second.has("scheduler.log.1") && !first.has("worker-0.log.2"));
        assert_eq!((first.files(), second.files()), (vec![first.scheduler()], Vec::new()));
        assert!(second.has(log) && second.has(&worker) && !first.has(log) && !first.has(&worker), "{log} {worker}");
        let others = ["scheduler.log", "worker-0.log", MARK, "worker-notes.log", "worker-.log", "notes"];
        assert_eq!(others.map(|file| second.has(file)), [false; 6]);
        assert_eq!(Logs::claim(&a).unwrap().scheduler(), first.scheduler());
    }

    #[test]
    fn a_folder_whose_sweep_has_gone_is_the_next_ones() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (paths(root.path(), "a"), paths(root.path(), "b"));
        Logs::claim(&a).unwrap();
        fs::remove_dir(&a.output_dir).unwrap();
        assert!(!Logs::find(&b).has("scheduler.log"), "looking claims nothing");
        assert!(Logs::claim(&b).unwrap().has("scheduler.log"));
    }
}
