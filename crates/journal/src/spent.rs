//! Reading of the journal: what the sweeps of a folder were, and what they took of each device.

use rusqlite::Row;
use serde::Serialize;

use crate::error::JournalError;
use crate::history::History;

/// Sweep, as it was begun.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Begun {
    /// Version of the program.
    pub program: String,
    /// Path of the config file.
    pub config: String,
    /// SHA-256 of the text of the config, in hexadecimal.
    pub config_sha256: String,
    /// Time of the beginning, in seconds since 1970.
    pub started: f64,
    /// Time of the end; `None` for a sweep that runs or was killed.
    pub ended: Option<f64>,
    /// Outcome of the sweep.
    pub outcome: Option<String>,
}

/// Sum over the attempts that one device made in all sweeps of the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spent {
    /// Device, as its worker named it.
    pub device: String,
    /// Number of units that were done.
    pub units: u64,
    /// Number of maps that were made.
    pub maps: u64,
    /// Seconds from granting to the end of all attempts that have an end, failed ones too.
    pub held: f64,
    /// Seconds of computing, of the units that were done.
    pub computing: f64,
    /// Seconds of computing, of the units that made maps: those of scores and mean images made none.
    pub mapping: f64,
    /// Bytes that were written.
    pub bytes: u64,
    /// Number of attempts that failed or were lost.
    pub failed: u64,
}

impl History {
    /// Reads every sweep, in the order of their beginnings.
    pub fn sweeps(&self) -> Result<Vec<Begun>, JournalError> {
        let sql = "SELECT program, config, config_sha256, started, ended, outcome FROM sweeps ORDER BY id";
        self.all(sql, |row| {
            Ok(Begun {
                program: row.get(0)?,
                config: row.get(1)?,
                config_sha256: row.get(2)?,
                started: row.get(3)?,
                ended: row.get(4)?,
                outcome: row.get(5)?,
            })
        })
    }

    /// Adds up what each device did, in the order of their names. What was never granted is no attempt of a device.
    pub fn spent(&self) -> Result<Vec<Spent>, JournalError> {
        let sql = "SELECT device, sum(state = 'done'), coalesce(sum(maps), 0), total(max(ended - started, 0)), \
                   total(computing), coalesce(sum(bytes), 0), sum(state IN ('failed', 'lost')), \
                   total(CASE WHEN maps > 0 THEN computing END) \
                   FROM attempts WHERE ended IS NOT NULL AND attempt > 0 GROUP BY device ORDER BY device";
        self.all(sql, |row| {
            let count = |at: usize| row.get::<_, Option<i64>>(at).map(|count| count.unwrap_or(0).max(0) as u64);
            Ok(Spent {
                device: row.get(0)?,
                units: count(1)?,
                maps: count(2)?,
                held: row.get(3)?,
                computing: row.get(4)?,
                bytes: count(5)?,
                failed: count(6)?,
                mapping: row.get(7)?,
            })
        })
    }

    fn all<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, JournalError> {
        let read_all = || self.connection.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<_>>();
        read_all().map_err(|source| self.failed(source))
    }
}
