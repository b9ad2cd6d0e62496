//! The test of shared folders: a worker of another machine shows that it sees what its scheduler writes, and the other way round.
//!
//! Shards appear whole because they are renamed into their place. So each side renames a file into the output folder, and the other
//! one must find it there with all of its content. Network file systems show new names a moment late, for which both sides wait.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use protocol::about::Shared;
use protocol::handshake::secret;

use crate::error::FleetError;

/// Name of the file in the output folder.
const NAME: &str = ".attrisweep.shared";

/// Time for which a name may be missing on another machine: NFS keeps what it knows of a folder for a minute at most.
const LATE: Duration = Duration::from_secs(65);
const LOOK: Duration = Duration::from_millis(100);
/// Longest answer that is read, in bytes.
const MOST: u64 = 1 << 10;

/// The scheduler's file, which is removed together with this value.
#[derive(Debug)]
pub(crate) struct SharedFolder {
    pub(crate) shared: Shared,
}

impl SharedFolder {
    /// Puts the file into `folder`. Workers have to see the paths in `read` as well.
    pub(crate) fn open(folder: &Path, read: Vec<PathBuf>) -> Result<Self, FleetError> {
        let file = folder.join(NAME);
        let failed = |source| FleetError::Access { file: file.clone(), source };
        let content = secret().map_err(failed)?;
        put(&file, &content).map_err(failed)?;
        Ok(Self { shared: Shared { file, content, read } })
    }
}

impl Drop for SharedFolder {
    fn drop(&mut self) {
        // A scheduler that came later has put a file of its own there.
        if fs::read_to_string(&self.shared.file).is_ok_and(|content| content == self.shared.content) {
            let _ = fs::remove_file(&self.shared.file);
        }
    }
}

/// Takes the answer of the worker in `slot` away; the reason if there is none.
pub(crate) fn answered(shared: &Shared, slot: usize) -> Result<(), String> {
    let (file, since) = (shared.answer(slot), Instant::now());
    loop {
        if read(&file).is_ok_and(|content| content == shared.turned()) {
            let _ = fs::remove_file(&file);
            return Ok(());
        }
        if since.elapsed() > LATE {
            let seconds = LATE.as_secs();
            return Err(format!(
                "the scheduler does not see `{}`, which the worker has put there, in {seconds} s",
                file.display()
            ));
        }
        // A name that was looked for in vain is kept as missing until its folder is read again.
        let _ = file.parent().map(fs::read_dir);
        sleep(LOOK);
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(fs::File::open(file)?, MOST), &mut text)?;
    Ok(text)
}

fn put(file: &Path, content: &str) -> io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".tmp");
    fs::write(&aside, content)?;
    fs::rename(&aside, file)
}

/// Sentences that were said, so that each is said once for each node.
#[derive(Debug, Default)]
pub(crate) struct Told(HashMap<String, Vec<String>>);

impl Told {
    /// Whether `reason` is told of `node` for the first time.
    pub(crate) fn is_new(&mut self, node: &str, reason: &str) -> bool {
        let told = self.0.entry(node.to_owned()).or_default();
        let is_new = !told.iter().any(|earlier| earlier == reason);
        if is_new {
            told.push(reason.to_owned());
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_if_it_is_the_content_turned_around_and_both_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let shared = SharedFolder::open(folder.path(), Vec::new()).unwrap();
        let (of, answer) = (shared.shared.clone(), shared.shared.answer(3));
        let waiting = std::thread::spawn(move || answered(&of, 3));
        // A copy of the scheduler's own file is no answer.
        fs::write(&answer, &shared.shared.content).unwrap();
        sleep(3 * LOOK);
        assert!(!waiting.is_finished());
        fs::write(&answer, shared.shared.turned()).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
        drop(shared);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_reason_is_told_once_for_each_node() {
        let mut told = Told::default();
        let all = [("n1", "a"), ("n1", "a"), ("n2", "a"), ("n1", "b")].map(|(node, reason)| told.is_new(node, reason));
        assert_eq!(all, [true, false, true, true]);
    }
}
