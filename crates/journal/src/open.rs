//! Opening a journal: made if it is not there, put aside if it cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::JournalError;
use crate::row::now;

/// Marks our files among all SQLite files: "aswp".
const APPLICATION: i64 = 0x6173_7770;

/// The version of the schema.
const VERSION: i64 = 1;

/// How long a reader may keep the writer waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every name is spelled out: people read this.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sweeps (
    id INTEGER PRIMARY KEY,
    started REAL NOT NULL,          -- seconds since 1970, as all times here
    ended REAL,                     -- NULL: running, or killed
    outcome TEXT,
    program TEXT NOT NULL,
    config TEXT NOT NULL,
    config_sha256 TEXT NOT NULL,
    pid INTEGER NOT NULL,
    units INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    sweep INTEGER NOT NULL REFERENCES sweeps (id),
    unit TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    device TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,                     -- NULL: under way, or the scheduler was killed
    state TEXT,                     -- done, failed, lost (its worker) or stopped
    seconds REAL,
    computing REAL,
    maps INTEGER,
    bytes INTEGER,
    class TEXT,
    error TEXT,
    PRIMARY KEY (sweep, unit, attempt)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS readable AS
    SELECT datetime(started, 'unixepoch') AS began, datetime(ended, 'unixepoch') AS over, * FROM attempts;
";

/// Opens the journal `file` for writing. One that cannot be used is put aside first, and told of in the log.
pub(crate) fn open(file: &Path) -> Result<Connection, JournalError> {
    match attempt(file) {
        Err(error) if error.is_of_this_file() => {
            let aside = put_aside(file)?;
            tracing::warn!("{error}; it is kept as `{}`, and a new one begun", aside.display());
            attempt(file)
        }
        opened => opened,
    }
}

/// Opens the journal `file` for reading, beside whoever writes it; `None` where there is none.
pub(crate) fn read_only(file: &Path) -> Result<Option<Connection>, JournalError> {
    if !file.is_file() {
        return Ok(None);
    }
    let failed = |source| JournalError::Sqlite { file: file.to_owned(), source };
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    if pragma(&connection, "application_id").map_err(failed)? != APPLICATION {
        return Err(foreign(file));
    }
    Ok(Some(connection))
}

fn attempt(file: &Path) -> Result<Connection, JournalError> {
    let failed = |source| JournalError::Sqlite { file: file.to_owned(), source };
    let connection = Connection::open(file).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    let application = pragma(&connection, "application_id").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(foreign(file));
    }
    let version = pragma(&connection, "user_version").map_err(failed)?;
    if version > VERSION {
        let what = format!("of version {version}, and this program knows version {VERSION}");
        return Err(JournalError::Unusable { file: file.to_owned(), what });
    }
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(JournalError::Unusable { file: file.to_owned(), what: format!("damaged: {sound}") });
    }
    let mode = if is_on_network(file) { "TRUNCATE" } else { "WAL" };
    // Where WAL cannot be had, SQLite answers with the mode that stays: slower, as sound.
    connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).map_err(failed)?;
    let settings =
        format!("PRAGMA synchronous = NORMAL; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
    connection.execute_batch(&settings).and_then(|()| connection.execute_batch(SCHEMA)).map_err(failed)?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn foreign(file: &Path) -> JournalError {
    JournalError::Unusable { file: file.to_owned(), what: "an SQLite file of another program".to_owned() }
}

/// Whether `file` is on a file system of another machine, where WAL's shared memory does not work.
///
/// The numbers are those of statfs(2): NFS, SMB, CIFS, AFS, Ceph, Lustre, GPFS, BeeGFS, FUSE (sshfs), 9p.
fn is_on_network(file: &Path) -> bool {
    const NETWORK: [u32; 11] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x4750_4653,
        0x1983_0326,
        0x6573_5546,
        0x0102_1997,
    ];
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Types of file systems are 32 bits wide, whatever the field is.
    rustix::fs::statfs(folder).is_ok_and(|system| NETWORK.contains(&(system.f_type as u32)))
}

/// Files that belong to a journal in SQLite's way.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Renames the journal and what belongs to it to `<name>.damaged-<seconds since 1970>`.
fn put_aside(file: &Path) -> Result<PathBuf, JournalError> {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = with(file, &format!("{DAMAGED}{:.0}", now()));
    let failed = |source| JournalError::Aside { file: file.to_owned(), aside: aside.clone(), source };
    fs::rename(file, &aside).map_err(failed)?;
    for companion in COMPANIONS {
        // Left beside a new journal, an old log would be played into it.
        match fs::rename(with(file, companion), with(&aside, companion)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
    }
    Ok(aside)
}

const DAMAGED: &str = ".damaged-";

/// Journals of `folder` that were put aside.
pub fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let name = crate::file(Path::new("")).to_string_lossy().into_owned() + DAMAGED;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name))).collect();
    files.sort();
    files
}
