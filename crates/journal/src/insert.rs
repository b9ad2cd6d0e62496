//! Statements that write rows of the journal.

use rusqlite::{Connection, params};

use crate::row::{Ended, Event, INTERRUPTED, SweepStart};

/// Writes the beginning of a sweep; its number.
pub(crate) fn insert_sweep(connection: &Connection, start: &SweepStart, began: f64) -> rusqlite::Result<i64> {
    let SweepStart { program, config, config_sha256, pid, units, afresh } = start;
    if *afresh {
        // Sweeps that were cut off are over with this one.
        connection.execute(
            "UPDATE sweeps SET outcome = 'begun afresh' WHERE outcome IS NULL OR outcome = ?",
            [INTERRUPTED],
        )?;
    }
    connection.execute(
        "INSERT INTO sweeps (started, program, config, config_sha256, pid, units) VALUES (?, ?, ?, ?, ?, ?)",
        params![began, program, config, config_sha256, pid, *units as i64],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Writes `event` of `sweep`, which happened at this time in seconds since 1970.
pub(crate) fn insert(connection: &Connection, sweep: i64, at: f64, event: &Event) -> rusqlite::Result<()> {
    match event {
        Event::Granted { unit, attempt, worker, slot, device, pid } => {
            let sql = "INSERT OR REPLACE INTO attempts (sweep, unit, attempt, worker, slot, device, started, pid) \
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let values = params![sweep, unit.to_string(), attempt, *worker as i64, *slot as i64, device, at, pid];
            connection.prepare_cached(sql)?.execute(values)?;
        }
        Event::Ended { unit, attempt, how: Ended::Done(report) } => {
            let sql = "UPDATE attempts SET ended = ?, state = 'done', seconds = ?, computing = ?, maps = ?, bytes = ? \
                       WHERE sweep = ? AND unit = ? AND attempt = ?";
            let (maps, bytes) = (report.maps as i64, report.bytes as i64);
            let values = params![at, report.seconds, report.computing, maps, bytes, sweep, unit.to_string(), attempt];
            connection.prepare_cached(sql)?.execute(values)?;
        }
        Event::Ended { unit, attempt, how } => {
            let (state, class, error) = match how {
                Ended::Failed { class, text } => ("failed", Some(class.as_str()), Some(text)),
                Ended::Lost { class, text } => ("lost", Some(class.as_str()), Some(text)),
                _ => ("stopped", None, None),
            };
            let sql = "UPDATE attempts SET ended = ?, state = ?, class = ?, error = ? \
                       WHERE sweep = ? AND unit = ? AND attempt = ? AND state IS NULL";
            connection.prepare_cached(sql)?.execute(params![
                at,
                state,
                class,
                error,
                sweep,
                unit.to_string(),
                attempt
            ])?;
        }
        Event::GivenUp { unit, reason } => {
            let name = unit.to_string();
            let sql = "UPDATE attempts SET state = 'failed', error = ? WHERE sweep = ? AND unit = ? AND state = 'lost' \
                       AND attempt = (SELECT max(attempt) FROM attempts WHERE sweep = ? AND unit = ?)";
            connection.prepare_cached(sql)?.execute(params![reason, sweep, name, sweep, name])?;
            // A unit that takes all of its group waits for the shards, and is given up with one of them: that is no failure.
            if unit.shard().is_some() {
                // A unit that was given up with others of its group was never tried.
                let sql = "INSERT INTO attempts (sweep, unit, attempt, worker, slot, device, started, ended, state, class, error) \
                           SELECT ?1, ?2, 0, 0, 0, '', ?3, ?3, 'failed', 'GivenUp', ?4 \
                           WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE sweep = ?1 AND unit = ?2)";
                connection.prepare_cached(sql)?.execute(params![sweep, name, at, reason])?;
            }
        }
        Event::Over { outcome } => {
            let sql = "UPDATE sweeps SET ended = ?, outcome = ? WHERE id = ?";
            connection.prepare_cached(sql)?.execute(params![at, outcome, sweep])?;
        }
    }
    Ok(())
}
