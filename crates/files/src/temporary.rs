//! Names of temporary files: `.<name>.<tag>.tmp` beside the file `<name>` that is being written.

use std::io;
use std::path::{Path, PathBuf};

/// Temporary path for the file that is to be at `path`. The `tag` tells apart writers of the same file.
pub(crate) fn path_of(path: &Path, tag: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(path.with_file_name(format!(".{}.{tag}.tmp", name.to_string_lossy())))
}

/// Name and tag of the temporary file called `temporary`; `None` for a name of another form.
pub(crate) fn parts(temporary: &str) -> Option<(&str, &str)> {
    temporary.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')
}
