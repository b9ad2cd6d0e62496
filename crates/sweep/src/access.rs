//! The file by which workers find a scheduler again, and a scheduler the workers of the one before it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file, in the output folder.
pub const ACCESS: &str = ".attrisweep.access";

/// Longest file that is read, in bytes: a worker takes some two hundred.
const MOST: u64 = 4 << 20;

/// What stands in the file. Only its owner can read it: who knows the token can hand in results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// `HOST:PORT` of the scheduler.
    pub address: String,
    /// The secret that callers show.
    pub token: String,
    /// Worker processes that were started and not seen to end, by slot.
    pub processes: BTreeMap<usize, Running>,
}

/// A process that may live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Which starting of a process for its slot it is.
    pub instance: u64,
    /// Its id.
    pub pid: u32,
    /// What tells it from a later process of the same id.
    pub identity: String,
    /// UUID of the GPU that it computes on.
    pub gpu: Option<String>,
}

impl Access {
    /// Reads `file`; nothing if there is none, or none that can be read.
    pub fn read(file: &Path) -> Option<Self> {
        let mut text = Vec::new();
        fs::File::open(file).ok()?.take(MOST).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
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
        open.write_all(&serde_json::to_vec(self).map_err(io::Error::other)?)?;
        fs::rename(&aside, file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_reads_what_it_wrote_and_nobody_else_can() {
        let file = std::env::temp_dir().join(format!("attrisweep-access-{}", std::process::id()));
        let running = Running { instance: 7, pid: 42, identity: "boot:1".into(), gpu: None };
        let processes = BTreeMap::from([(1, running)]);
        let access = Access { address: "127.0.0.1:9".into(), token: "secret".into(), processes };
        // Left there by somebody else, for all to read.
        fs::write(file.with_extension("tmp"), "").unwrap();
        access.write(&file).unwrap();
        assert_eq!(Access::read(&file), Some(access));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&file).unwrap();
        assert_eq!(Access::read(&file), None);
    }
}
