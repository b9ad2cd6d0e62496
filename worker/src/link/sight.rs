//! The test of shared folders, on the side of the worker ([`Shared`]).

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use protocol::about::Shared;

/// Time for which a name may be missing on another machine: NFS keeps what it knows of a folder for a minute at most.
const LATE: Duration = Duration::from_secs(65);
const LOOK: Duration = Duration::from_millis(100);
/// Longest content that is read, in bytes.
const MOST: u64 = 1 << 10;

/// Looks for the scheduler's file and for what the sweep reads, and answers with a file of this worker's own, in `slot`. The error is a
/// sentence.
pub(super) fn test(shared: &Shared, slot: usize) -> Result<(), String> {
    wait_for(shared, LATE)?;
    for path in &shared.read {
        if let Err(error) = fs::metadata(path) {
            return Err(format!("`{}`, which the sweep reads, is not seen from this machine: {error}", path.display()));
        }
    }
    let answer = shared.answer(slot);
    put(&answer, &shared.turned())
        .map_err(|error| format!("`{}` cannot be written from this machine: {error}", answer.display()))
}

/// Waits until the scheduler's file has its content, for the time `late` at most.
fn wait_for(shared: &Shared, late: Duration) -> Result<(), String> {
    let since = Instant::now();
    loop {
        let found = match read(&shared.file) {
            Ok(content) if content == shared.content => return Ok(()),
            Ok(_) => "another scheduler's file is there".to_owned(),
            Err(error) => error.to_string(),
        };
        // Where not even the folder is there, no file will be.
        let folder = shared.file.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir());
        if since.elapsed() > late || !folder {
            let file = shared.file.display();
            return Err(format!("`{file}`, which the scheduler has put there, is not seen from this machine: {found}"));
        }
        sleep(LOOK);
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(file)?.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

fn put(file: &Path, content: &str) -> io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".tmp");
    fs::write(&aside, content)?;
    fs::rename(&aside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(folder: &Path) -> Shared {
        let shared = Shared { file: folder.join("f"), content: "abc".into(), read: vec![folder.to_owned()] };
        fs::write(&shared.file, &shared.content).unwrap();
        shared
    }

    #[test]
    fn a_worker_that_sees_everything_answers_with_the_content_turned_around() {
        let folder = tempfile::tempdir().unwrap();
        let shared = shared(folder.path());
        assert_eq!(test(&shared, 3), Ok(()));
        assert_eq!(fs::read_to_string(folder.path().join("f.3")).unwrap(), "cba");
    }

    #[test]
    fn what_is_not_seen_is_named_and_no_answer_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("data/rgb.npz");
        let shared = Shared { read: vec![missing.clone()], ..shared(folder.path()) };
        assert!(test(&shared, 3).unwrap_err().contains(&missing.display().to_string()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let elsewhere = Shared { file: folder.path().join("not/mounted/f"), ..shared.clone() };
        assert!(test(&elsewhere, 3).unwrap_err().contains("not/mounted/f"));
        fs::write(&shared.file, "another one").unwrap();
        assert!(wait_for(&shared, Duration::ZERO).unwrap_err().contains("another scheduler"));
    }
}
