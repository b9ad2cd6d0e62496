//! Reading of the journal: what the last sweeps did, and what failed in them.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use sweep::unit::UnitId;

use crate::error::JournalError;
use crate::open;
use crate::row::INTERRUPTED;

/// Journal that is open for reading.
#[derive(Debug)]
pub struct History {
    file: PathBuf,
    pub(crate) connection: Connection,
    version: i64,
}

/// Sweep in the journal. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// Number of the sweep in the journal.
    pub id: i64,
    /// Time of the beginning.
    pub started: f64,
    /// Time of the end; `None` for a sweep that runs or was killed.
    pub ended: Option<f64>,
    /// Outcome of the sweep.
    pub outcome: Option<String>,
    /// Process id of the scheduler.
    pub pid: u32,
}

/// Unit whose last attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failed {
    /// Name of the unit.
    pub unit: UnitId,
    /// Number of the attempt in its sweep.
    pub attempt: u32,
    /// Kind of failure.
    pub class: String,
    /// Description of the failure, in a sentence.
    pub error: String,
    /// Time of the end of the attempt, in seconds since 1970.
    pub ended: f64,
}

/// Number of failures of a unit in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Name of the unit.
    pub unit: UnitId,
    /// Kind of failure.
    pub class: String,
    /// Number of failures.
    pub times: u32,
    /// Description of one of these failures, in a sentence.
    pub error: String,
}

/// Unit that was granted and has not ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnderWay {
    /// Name of the unit.
    pub unit: UnitId,
    /// Number of the attempt in its sweep.
    pub attempt: u32,
    /// Slot of the worker.
    pub slot: u32,
    /// Device, as the worker names it.
    pub device: String,
    /// Process id of the worker, where it is known.
    pub pid: Option<u32>,
    /// Time of the grant, in seconds since 1970.
    pub started: f64,
}

/// Speed at which maps were made lately.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Number of maps that were counted.
    pub maps: u64,
    /// Seconds from the beginning of the first of their units to the end of the last.
    pub seconds: f64,
}

/// Number of attempts from which a speed is computed: the last ones, as devices come and go.
const RECENT: u32 = 64;

impl History {
    /// Opens the journal `file`; `None` where there is no file.
    ///
    /// # Errors
    /// [`JournalError`] for one that is damaged or of another program. It is left as it is.
    pub fn open(file: &Path) -> Result<Option<Self>, JournalError> {
        let file = file.to_owned();
        Ok(open::read_only(&file)?.map(|(connection, version)| Self { file, connection, version }))
    }

    /// Reads the sweep that began last.
    pub fn last_sweep(&self) -> Result<Option<Sweep>, JournalError> {
        let sql = "SELECT id, started, ended, outcome, pid FROM sweeps ORDER BY id DESC LIMIT 1";
        let read = |row: &Row<'_>| {
            Ok(Sweep {
                id: row.get(0)?,
                started: row.get(1)?,
                ended: row.get(2)?,
                outcome: row.get(3)?,
                pid: row.get(4)?,
            })
        };
        self.connection.query_row(sql, [], read).optional().map_err(|source| self.failed(source))
    }

    /// Reads the units whose last attempt, in whatever sweep, failed. A unit that was done since is not among them.
    pub fn failed_units(&self) -> Result<Vec<Failed>, JournalError> {
        // A sweep that was killed leaves attempts without an end: they say nothing about their unit.
        // Few units ever fail: only their attempts are put in order.
        let sql = "SELECT unit, attempt, class, error, ended FROM (
                SELECT *, row_number() OVER (PARTITION BY unit ORDER BY sweep DESC, attempt DESC) AS age
                FROM attempts WHERE state IN ('done', 'failed', 'lost')
                AND unit IN (SELECT unit FROM attempts WHERE state = 'failed')
            ) WHERE age = 1 AND state = 'failed' ORDER BY unit";
        let read = |row: &Row<'_>| {
            Ok(Failed {
                unit: unit(row)?,
                attempt: row.get(1)?,
                class: row.get(2)?,
                error: row.get(3)?,
                ended: row.get(4)?,
            })
        };
        let read_all = || self.connection.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<_>>();
        read_all().map_err(|source| self.failed(source))
    }

    /// Counts failures of units that were not done since, in sweeps that were cut off: the next sweep continues with
    /// these counts.
    pub fn counts(&self) -> Result<Vec<Count>, JournalError> {
        let sql = "SELECT unit, class, count(*), max(error) FROM attempts AS failed
            WHERE sweep > (SELECT coalesce(max(id), 0) FROM sweeps WHERE outcome <> ?)
            AND state IN ('failed', 'lost') AND NOT EXISTS (
                SELECT 1 FROM attempts AS done WHERE done.unit = failed.unit AND done.state = 'done'
                AND (done.sweep, done.attempt) > (failed.sweep, failed.attempt)
            ) GROUP BY unit, class ORDER BY unit, class";
        let read =
            |row: &Row<'_>| Ok(Count { unit: unit(row)?, class: row.get(1)?, times: row.get(2)?, error: row.get(3)? });
        let read_all =
            || self.connection.prepare(sql)?.query_map([INTERRUPTED], read)?.collect::<rusqlite::Result<_>>();
        read_all().map_err(|source| self.failed(source))
    }

    /// Reads the units that workers of `sweep` were granted and have not ended. For a sweep that was killed these are
    /// its last units.
    pub fn under_way(&self, sweep: i64) -> Result<Vec<UnderWay>, JournalError> {
        let pid = if self.version < 2 { "NULL" } else { "pid" };
        let sql = format!(
            "SELECT unit, attempt, slot, device, {pid}, started FROM attempts \
             WHERE sweep = ? AND state IS NULL ORDER BY slot, started"
        );
        let read = |row: &Row<'_>| {
            Ok(UnderWay {
                unit: unit(row)?,
                attempt: row.get(1)?,
                slot: row.get(2)?,
                device: row.get(3)?,
                pid: row.get(4)?,
                started: row.get(5)?,
            })
        };
        let read_all = || self.connection.prepare(&sql)?.query_map([sweep], read)?.collect::<rusqlite::Result<_>>();
        read_all().map_err(|source| self.failed(source))
    }

    /// Computes the speed of the last units of `sweep`; `None` before any was done.
    pub fn speed(&self, sweep: i64) -> Result<Option<Speed>, JournalError> {
        let sql = "SELECT sum(maps), max(ended) - min(ended - seconds) FROM (
                SELECT * FROM attempts WHERE sweep = ? AND state = 'done' AND maps > 0 ORDER BY ended DESC LIMIT ?)";
        let read = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<f64>>(1)?));
        let found = self.connection.query_row(sql, params![sweep, RECENT], read);
        let found = found.map_err(|source| self.failed(source))?;
        Ok(match found {
            (Some(maps), Some(seconds)) if maps > 0 && seconds > 0.0 => Some(Speed { maps: maps as u64, seconds }),
            _ => None,
        })
    }

    pub(crate) fn failed(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite { file: self.file.clone(), source }
    }
}

/// Name of the unit in the first column of `row`.
fn unit(row: &Row<'_>) -> rusqlite::Result<UnitId> {
    row.get::<_, String>(0).map(UnitId::from)
}
