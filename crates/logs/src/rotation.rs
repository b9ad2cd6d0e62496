//! Files of logs that have grown too large.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// End of the name of the file that has the lines before those of a log: one such file is kept.
pub const OLD: &str = ".1";

/// Moves the lines of the log `file` into the file beside it that ends in [`OLD`], if the log has more than `most` bytes, and says
/// whether the log had. An older file of that name goes.
///
/// Whoever writes the log goes on: logs are opened for appending, by programs that cannot be told of a new file (standard errors of
/// workers), so the lines are copied, and then the file is cut. Lines that are written in between are lost.
///
/// # Errors
/// What the file system says.
pub fn rotate(file: &Path, most: u64) -> io::Result<bool> {
    if fs::metadata(file)?.len() <= most {
        return Ok(false);
    }
    let named = |end: &str| PathBuf::from(format!("{}{end}", file.display()));
    let (old, part) = (named(OLD), named(".part"));
    let moved = fs::copy(file, &part).and_then(|_| fs::rename(&part, &old));
    if moved.is_err() {
        let _ = fs::remove_file(&part);
    }
    moved?;
    OpenOptions::new().write(true).open(file)?.set_len(0)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_that_is_full_begins_anew_for_whoever_has_it_open_and_one_older_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("worker-0.log");
        let mut writer = OpenOptions::new().create(true).append(true).open(&file).unwrap();
        let mut lines = |from: u32| (from..from + 10).for_each(|line| writeln!(writer, "line {line}").unwrap());
        lines(10);
        assert!(!rotate(&file, 80).unwrap(), "ten lines of eight bytes are allowed");
        for from in [20, 40] {
            lines(from);
            assert!(rotate(&file, 80).unwrap());
            assert_eq!(fs::read_to_string(&file).unwrap(), "");
            lines(from + 10);
        }
        let old = fs::read_to_string(folder.path().join("worker-0.log.1")).unwrap();
        assert!(old.starts_with("line 30\n") && old.ends_with("line 49\n"), "{old}");
        assert!(fs::read_to_string(&file).unwrap().starts_with("line 50\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
