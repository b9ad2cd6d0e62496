//! The file by which workers find a scheduler again, and a scheduler the workers of the one before it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::about::About;

/// Name of the file, in the output folder.
pub const ACCESS: &str = ".attrisweep.access";

/// Longest file that is read, in bytes: a worker takes some two hundred.
const MOST: u64 = 4 << 20;

/// What stands in the file. Only its owner can read it: who knows the token can hand in results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// `HOST:PORT` of the scheduler.
    pub address: String,
    /// The secret that callers show.
    pub token: String,
    /// Worker processes that were started and not seen to end, by slot.
    pub processes: BTreeMap<usize, Running>,
    /// Device and inode of the folder that it was written to. A copy of that folder has the file, and none of the processes.
    #[serde(default)]
    pub folder: Option<[u64; 2]>,
}

/// A process that may live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Which starting of a process for its slot it is.
    pub instance: u64,
    /// Its id.
    pub pid: u32,
    /// What tells it from a later process of the same id.
    pub identity: String,
    /// UUID of the GPU that it computes on.
    pub gpu: Option<String>,
    /// What it said of itself when it called from another machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Box<About>>,
}

impl Access {
    /// Reads `file`; nothing if there is none, none that can be read, or one that was copied from another folder.
    pub fn read(file: &Path) -> Option<Self> {
        let mut text = Vec::new();
        fs::File::open(file).ok()?.take(MOST).read_to_end(&mut text).ok()?;
        let access: Self = serde_json::from_slice(&text).ok()?;
        let is_of_here = access.folder.is_none() || access.folder == place(file);
        is_of_here.then_some(Self { folder: None, ..access })
    }

    /// Puts it at `file`, whole, readable by its owner only.
    ///
    /// It is not synced: a power cut ends the processes that it names.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let mut aside = file.as_os_str().to_owned();
        aside.push(".tmp");
        let aside = PathBuf::from(aside);
        // One that somebody else made would keep its mode.
        let _ = fs::remove_file(&aside);
        let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let access = Self { folder: place(file), ..self.clone() };
        open.write_all(&serde_json::to_vec(&access).map_err(io::Error::other)?)?;
        fs::rename(&aside, file)
    }
}

/// Device and inode of the folder of `file`: they go along where it is moved, and not where it is copied.
fn place(file: &Path) -> Option<[u64; 2]> {
    let folder = fs::metadata(file.parent()?).ok()?;
    Some([folder.dev(), folder.ino()])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_reads_what_it_wrote_and_nobody_else_can() {
        let file = std::env::temp_dir().join(format!("attrisweep-access-{}", std::process::id()));
        let running = Running { instance: 7, pid: 42, identity: "boot:1".into(), gpu: None, about: None };
        let processes = BTreeMap::from([(1, running)]);
        let access = Access { address: "127.0.0.1:9".into(), token: "secret".into(), processes, folder: None };
        // Left there by somebody else, for all to read.
        fs::write(file.with_extension("tmp"), "").unwrap();
        access.write(&file).unwrap();
        assert_eq!(Access::read(&file), Some(access));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&file).unwrap();
        assert_eq!(Access::read(&file), None);
    }

    #[test]
    fn a_copy_of_the_folder_has_no_workers_and_a_moved_folder_has_its_own() {
        let folder = std::env::temp_dir().join(format!("attrisweep-places-{}", std::process::id()));
        let [first, copy, moved] = ["first", "copy", "moved"].map(|name| folder.join(name));
        fs::create_dir_all(&first).unwrap();
        fs::create_dir_all(&copy).unwrap();
        let access = Access { address: "127.0.0.1:9".into(), ..Access::default() };
        access.write(&first.join(ACCESS)).unwrap();
        fs::copy(first.join(ACCESS), copy.join(ACCESS)).unwrap();
        fs::rename(&first, &moved).unwrap();
        assert_eq!((Access::read(&copy.join(ACCESS)), Access::read(&moved.join(ACCESS))), (None, Some(access)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
