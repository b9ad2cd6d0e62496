//! Content of the lock file: the holder, and a count that grows for as long as the holder lives.

use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use machine::boot;
use serde::{Deserialize, Serialize};

/// Longest text of a lock file that is read.
const MOST: u64 = 4096;
/// Length of every signature in bytes: a signature is written over another one in place, even on a full disk.
const LENGTH: usize = 511;

/// Process that holds a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Process id.
    pub(crate) pid: u32,
    /// Name of the machine that the process runs on: several machines may share the folder.
    pub(crate) host: String,
    /// Time since when the lock is held, in seconds since 1970.
    pub(crate) since: u64,
}

/// Text that a holder writes into the lock file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Signature {
    pub(super) holder: Holder,
    /// Boot id of the kernel that keeps the lock: names of hosts are neither unique nor the same inside of containers.
    pub(super) boot: String,
    /// Random token, which no other process has.
    pub(super) token: String,
    /// Count that grows for as long as the holder lives.
    pub(super) beat: u64,
}

impl Signature {
    /// Makes a signature of this process.
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let holder = Holder { pid: std::process::id(), host: boot::host_name(), since };
        // Its keys are random for each process, and other ones each time.
        let token = format!("{:016x}", RandomState::new().build_hasher().finish());
        Self { holder, boot: boot::id(), token, beat: 0 }
    }

    /// Whether the lock is held on this machine, so that this kernel can answer for its holder.
    pub(super) fn is_of_here(&self) -> bool {
        !self.boot.is_empty() && self.boot == boot::id()
    }
}

/// Identity of a file, whatever the name of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64, u64);

impl From<Metadata> for Place {
    fn from(of: Metadata) -> Self {
        Self(of.dev(), of.ino())
    }
}

/// A lock file as it was found.
#[derive(Debug)]
pub(super) struct Found {
    file: File,
    pub(super) place: Place,
    pub(super) text: Vec<u8>,
    /// Signature in the file; `None` if nobody has signed, or the text is no signature.
    pub(super) signature: Option<Signature>,
}

impl Found {
    /// Opens and reads the file at `path`, for writing if writing is allowed. A file that is opened anew is read from
    /// the server of a network file system (close-to-open consistency), and what is written reaches the server once the
    /// file is closed.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path).or_else(|_| File::open(path))?;
        let mut text = Vec::new();
        (&file).take(MOST).read_to_end(&mut text)?;
        let signature = serde_json::from_slice(&text).ok();
        Ok(Self { place: file.metadata()?.into(), file, text, signature })
    }

    /// Opens and reads the file at `path` if the file is the one at `place`; `None` if no file, or another file, exists
    /// there.
    pub(super) fn still(path: &Path, place: Place) -> io::Result<Option<Self>> {
        match Self::at(path) {
            Ok(found) => Ok(Some(found).filter(|found| found.place == place)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Signature of another holder than `own`, if there is one.
    pub(super) fn is_of_another_than(&self, own: &Signature) -> Option<&Signature> {
        self.signature.as_ref().filter(|found| found.token != own.token)
    }

    /// Writes `signature` over the old text: at no moment is the file empty.
    pub(super) fn sign(self, signature: &Signature) -> io::Result<()> {
        let text = format!("{:LENGTH$}\n", serde_json::to_string(signature)?);
        self.file.write_all_at(text.as_bytes(), 0)?;
        if self.text.len() > text.len() { self.file.set_len(text.len() as u64) } else { Ok(()) }
    }
}

/// The lock file of an output folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(".attrisweep.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_read_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let signature = Signature::new();
        for before in [0, 3, LENGTH, LENGTH + 1, 5000] {
            std::fs::write(&path, vec![0; before]).unwrap();
            let found = Found::at(&path).unwrap();
            assert_eq!(found.signature, None);
            found.sign(&signature).unwrap();
            let found = Found::at(&path).unwrap();
            assert_eq!((found.text.len(), found.signature.as_ref()), (LENGTH + 1, Some(&signature)), "{before}");
            assert!(found.is_of_another_than(&signature).is_none());
            assert!(found.is_of_another_than(&Signature::new()).is_some(), "each has a token of its own");
        }
    }

    #[test]
    fn a_host_is_its_kernel_and_not_its_name() {
        let own = Signature::new();
        assert!(own.is_of_here() && !own.holder.host.is_empty());
        let holder = Holder { host: "a-container".to_owned(), ..own.holder.clone() };
        assert!(Signature { holder, ..own.clone() }.is_of_here());
        assert!(!Signature { boot: "another".to_owned(), ..own.clone() }.is_of_here());
        assert!(!Signature { boot: String::new(), ..own }.is_of_here(), "unknown is not the same");
    }
}
