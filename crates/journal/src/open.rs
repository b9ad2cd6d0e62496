//! Opening of a journal: made if it does not exist, renamed if it cannot be used.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::aside::{irregular, put_aside, put_logs_aside};
use crate::error::JournalError;

/// Number that marks our files among all SQLite files: "aswp".
const APPLICATION: i64 = 0x6173_7770;

/// Version of the schema. Version 1 had no process ids of workers.
const VERSION: i64 = 2;

/// Columns of `attempts`.
const COLUMNS: usize = 16;

/// Time that a reader may keep the writer waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tables of the journal. Every name is spelled out, as people read the journal.
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
    pid INTEGER,                    -- process id of the worker on its machine
    PRIMARY KEY (sweep, unit, attempt)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS readable AS
    SELECT datetime(started, 'unixepoch') AS began, datetime(ended, 'unixepoch') AS over, * FROM attempts;
";

/// Opens the journal `file` for writing. A file that cannot be used is renamed first, which the log reports.
pub(crate) fn open(file: &Path) -> Result<Connection, JournalError> {
    let error = match attempt(file) {
        Err(error) if error.is_of_this_file() => error,
        opened => return opened,
    };
    // A log of another database, or a damaged one, spoils a sound journal: perhaps it is no more than that.
    if let Some(aside) = put_logs_aside(file)?
        && let Ok(connection) = attempt(file)
    {
        tracing::warn!("{error}; what lay beside it is kept as `{}-...`, and the journal goes on", aside.display());
        return Ok(connection);
    }
    replace(file, &error)
}

/// Begins a new journal in place of `file`, which is renamed because of `error`.
pub(crate) fn replace(file: &Path, error: &JournalError) -> Result<Connection, JournalError> {
    let aside = put_aside(file, error)?;
    tracing::warn!("{error}; it is kept as `{}`, and a new one begun", aside.display());
    attempt(file)
}

/// Opens the journal `file` for reading, beside the process that writes it; with the version of its schema. `None` where
/// there is no journal, or an empty one that another process has just begun.
pub(crate) fn read_only(file: &Path) -> Result<Option<(Connection, i64)>, JournalError> {
    refuse_irregular(file)?;
    if std::fs::metadata(file).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(None);
    }
    match read_with(file, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // A writer that was killed has left a transaction half done, which reading must take back first.
        Err(JournalError::Sqlite { source, .. }) if source.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            read_with(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        }
        opened => opened,
    }
    .map(Some)
}

fn read_with(file: &Path, flags: OpenFlags) -> Result<(Connection, i64), JournalError> {
    let failed = |source| JournalError::Sqlite { file: file.to_owned(), source };
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    if pragma(&connection, "application_id").map_err(failed)? != APPLICATION {
        return Err(foreign(file));
    }
    let version = pragma(&connection, "user_version").map_err(failed)?;
    // SQLite fills a torn last page with zeros, and notices only where it reads there.
    let whole =
        pragma(&connection, "page_count").map_err(failed)? * pragma(&connection, "page_size").map_err(failed)?;
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() < whole as u64) {
        return Err(JournalError::Unusable { file: file.to_owned(), what: "damaged: its end is missing".to_owned() });
    }
    Ok((connection, version))
}

fn attempt(file: &Path) -> Result<Connection, JournalError> {
    refuse_irregular(file)?;
    let failed = |source| JournalError::Sqlite { file: file.to_owned(), source };
    make(file);
    widen(file);
    let connection = Connection::open(file).map_err(failed)?;
    // Closed while a log of another database lies beside it, SQLite would write that into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    check(file, &connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    prepare(&connection).map_err(failed)?;
    Ok(connection)
}

/// Makes an empty journal, with the mode that folder and umask allow. SQLite would make a file that its owner alone may
/// write, and in a folder of a group the runs of others could not be recorded. Files that SQLite writes beside a journal get
/// the mode of the journal.
fn make(file: &Path) {
    // Where that fails, SQLite fails, too, and says why.
    let _ = OpenOptions::new().write(true).create_new(true).open(file);
}

/// Lets the group write a journal that its owner alone may write, where the group may write the folder: earlier builds made such
/// journals. This succeeds when the owner of the journal runs a sweep; for anybody else nothing changes.
fn widen(file: &Path) {
    const GROUP_WRITES_FOLDER: u32 = 0o020;
    const GROUP: u32 = 0o060;
    let mode = |path: &Path| fs::metadata(path).map(|found| found.permissions().mode());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let (Ok(mode), Ok(of_folder)) = (mode(file), mode(folder))
        && of_folder & GROUP_WRITES_FOLDER != 0
        && mode & GROUP != GROUP
    {
        let _ = fs::set_permissions(file, fs::Permissions::from_mode(mode | GROUP));
    }
}

/// Whether the file is a sound journal, or an empty one that can become one.
fn check(file: &Path, connection: &Connection) -> Result<(), JournalError> {
    let failed = |source| JournalError::Sqlite { file: file.to_owned(), source };
    let application = pragma(connection, "application_id").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(foreign(file));
    }
    let version = pragma(connection, "user_version").map_err(failed)?;
    if version > VERSION {
        let what = format!("of version {version}, and this program knows version {VERSION}");
        return Err(JournalError::NotOurs { file: file.to_owned(), what });
    }
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        let what = format!("damaged: {}", sound.lines().last().unwrap_or_default());
        return Err(JournalError::Unusable { file: file.to_owned(), what });
    }
    Ok(())
}

/// Makes the tables, or what newer versions added to them.
///
/// The journal has a rollback journal, not WAL: the index of WAL is shared memory, which does not work on network file
/// systems, and whose file ends every process that has it open (SIGBUS) when somebody truncates the file.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    // In one transaction: a reader sees nothing, or a journal.
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    let columns = transaction.prepare("SELECT * FROM attempts LIMIT 0")?.column_count();
    if columns < COLUMNS {
        transaction.execute_batch("ALTER TABLE attempts ADD COLUMN pid INTEGER")?;
    }
    transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"))?;
    transaction.commit()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn foreign(file: &Path) -> JournalError {
    JournalError::NotOurs { file: file.to_owned(), what: "an SQLite file of another program".to_owned() }
}

fn refuse_irregular(file: &Path) -> Result<(), JournalError> {
    let refused = |path| JournalError::Unusable { file: path, what: "no regular file".to_owned() };
    irregular(file).map(refused).map_or(Ok(()), Err)
}
