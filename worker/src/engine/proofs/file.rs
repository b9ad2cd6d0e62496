//! File of proofs: the names of passes, one a line.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Read, Write};
use std::path::Path;

/// Longest file that is read, in bytes: tens of thousands of passes.
pub(super) const MOST: u64 = 1 << 20;

/// The file of proofs at `path`, which is made if need be.
pub(super) fn open(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), create_dir_all)?;
    OpenOptions::new().create(true).append(true).open(path)
}

/// Names of the passes in `file`.
pub(super) fn read(file: &Path) -> Vec<String> {
    let mut text = String::new();
    let read = File::open(file).ok().and_then(|file| file.take(MOST).read_to_string(&mut text).ok());
    // Half a line of a killed process, or of a disk that was full, may be the name of another pass.
    let whole = |line: &str| line.strip_suffix('\n').map(str::to_owned);
    read.map_or_else(Vec::new, |_| text.split_inclusive('\n').filter_map(whole).collect())
}

/// Adds the names of `passes` to `file`.
pub(super) fn append(file: &Path, passes: &[String]) {
    // In one piece, as others may write at the same time.
    let text: String = passes.iter().flat_map(|pass| ["\n", pass, "\n"]).collect();
    if let Err(error) = open(file).and_then(|mut file| file.write_all(text.as_bytes())) {
        tracing::debug!(%error, file = %file.display(), "proofs are not kept");
    }
}
