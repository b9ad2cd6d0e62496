//! The note of a job that was submitted: a file in the output folder, by which it is found again.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use fleet::launchers::Ticket;
use plan::exit::{Code, Failure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// Digest of what was asked for ([`digest`]); empty in the note of an earlier version.
    #[serde(default)]
    pub(super) asked: String,
}

/// Digest of the text of the config and of the words of the command line that say what is computed.
pub(super) fn digest(config: &[u8], words: &[String]) -> String {
    let mut digest = Sha256::new();
    for part in std::iter::once(config).chain(words.iter().map(String::as_bytes)) {
        // No two lists of parts are one text.
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
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

    /// Refuses to take the job for one of the sweep that is `asked` for, where it is one of another sweep.
    pub(super) fn fits(&self, asked: &str) -> Result<(), Failure> {
        if self.asked.is_empty() || self.asked == asked {
            return Ok(());
        }
        let text = format!(
            "job {}, which was submitted before and has not ended, has another config, or other arguments; nothing was submitted. \
             `{}` cancels it, and then the same command submits this one",
            self.id, self.cancel
        );
        Err(Failure { code: Code::Mismatch, text })
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
        let (log, output) = (folder.path().join("log"), folder.path().to_owned());
        let note = Note { job, id, cancel, log, output, asked: "5e".to_owned() };
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

    #[test]
    fn a_job_of_another_config_or_of_other_arguments_is_not_followed() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let asked = digest(b"seed: 1", &words(&["--limit=4"]));
        let text = |asked: &str| {
            format!(r#"{{"job": "j", "id": "12", "cancel": "scancel 12", "log": "l", "output": "o"{asked}}}"#)
        };
        let note: Note = serde_json::from_str(&text(&format!(r#", "asked": "{asked}""#))).unwrap();
        assert!(note.fits(&digest(b"seed: 1", &words(&["--limit=4"]))).is_ok());
        for (config, given) in [
            (&b"seed: 2"[..], &["--limit=4"][..]),
            (b"seed: 1", &[]),
            (b"seed: 1--limit=4", &[]),
            (b"seed: 1", &["--limit=", "4"]),
        ] {
            let refused = note.fits(&digest(config, &words(given))).unwrap_err();
            assert_eq!(refused.code, Code::Mismatch);
            assert!(refused.text.contains("job 12") && refused.text.contains("`scancel 12`"), "{}", refused.text);
        }
        // What an earlier version has submitted is followed as it was.
        let old: Note = serde_json::from_str(&text("")).unwrap();
        assert!(old.fits(&asked).is_ok());
    }
}
