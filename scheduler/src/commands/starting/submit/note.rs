//! The note of a job that was submitted: a file in the output folder, by which it is found again.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use fleet::launchers::Ticket;
use plan::exit::{Code, Failure};
use serde::{Deserialize, Serialize};

/// Name of the note in the output folder.
const NOTE: &str = ".attrisweep.submitted";
/// Longest note that is read, in bytes.
const MOST: u64 = 1 << 16;

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Its name for the launcher.
    pub(super) job: String,
    /// Its id for a person.
    pub(super) id: String,
    /// Command line that cancels it.
    pub(super) cancel: String,
    /// File of its output.
    pub(super) log: PathBuf,
    /// The output folder.
    pub(super) output: PathBuf,
}

/// File into which the job whose output goes to `log` writes the exit code of the sweep: each job has one of its own.
pub(super) fn code_file(log: &Path) -> PathBuf {
    log.with_extension("code")
}

impl Note {
    /// The note in the output folder `output`, if there is one that can be read.
    pub(super) fn read(output: &Path) -> Option<Self> {
        serde_json::from_slice(&start_of(&output.join(NOTE))?).ok()
    }

    /// Writes the note into its output folder, whole.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let (file, aside) = (self.output.join(NOTE), self.output.join(format!("{NOTE}.tmp")));
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&aside, text).and_then(|()| fs::rename(&aside, &file)).map_err(|error| Failure {
            code: Code::Storage,
            text: format!("job {} is submitted, and `{}` cannot be written: {error}", self.id, file.display()),
        })
    }

    pub(super) fn ticket(&self) -> Ticket {
        Ticket { name: self.job.clone(), pid: None }
    }

    /// Exit code of the sweep, once its job has written it.
    pub(super) fn code(&self) -> Option<i32> {
        String::from_utf8(start_of(&code_file(&self.log))?).ok()?.trim().parse().ok()
    }

    /// Sentences on how to follow the job, and how to cancel it.
    pub(super) fn advice(&self) -> String {
        format!("Job {} goes on. The same command tells on; `{}` cancels it.\n", self.id, self.cancel)
    }
}

fn start_of(file: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(file).ok()?.take(MOST).read_to_end(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_anything_else_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let [job, id, cancel] = ["attrisweep-f/0", "12", "scancel 12"].map(str::to_owned);
        let note = Note { job, id, cancel, log: folder.path().join("log"), output: folder.path().to_owned() };
        assert_eq!(Note::read(folder.path()), None);
        note.write().unwrap();
        assert_eq!(Note::read(folder.path()), Some(note.clone()));
        for (text, code) in [("0\n", Some(0)), ("130\n", Some(130)), ("", None), ("x", None)] {
            fs::write(code_file(&note.log), text).unwrap();
            assert_eq!(note.code(), code);
        }
        for hostile in [&b"\xff\xfe"[..], b"{}", &vec![b'['; 100_000]] {
            fs::write(folder.path().join(NOTE), hostile).unwrap();
            assert_eq!(Note::read(folder.path()), None);
        }
    }
}
