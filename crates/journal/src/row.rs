//! Rows of the journal.

use protocol::message::Report;
use sweep::unit::UnitId;

/// Seconds since 1970 by the clock of the machine: a time for people, which may be set back at any moment.
pub(crate) fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Outcome of a sweep that somebody stopped: the next sweep goes on with it, as with a sweep that was killed.
pub const INTERRUPTED: &str = "interrupted";

/// Beginning of a sweep.
#[derive(Clone, Debug)]
pub struct SweepStart {
    /// Version of the program.
    pub program: String,
    /// Path of the config file.
    pub config: String,
    /// SHA-256 of the text of the config, in hexadecimal.
    pub config_sha256: String,
    /// Process id of the scheduler.
    pub pid: u32,
    /// Number of units to do.
    pub units: u64,
    /// Whether failures of earlier sweeps are forgotten.
    pub afresh: bool,
}

/// End of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// Everything of the unit is in its store.
    Done(Report),
    /// The attempt failed.
    Failed {
        /// Class of the failure, as messages name it: `Input`, `Number` and others.
        class: String,
        /// Description of the failure, in one sentence.
        text: String,
    },
    /// The worker ended while the attempt was under way, which may be nobody's fault.
    Lost {
        /// Class of the end: `Crash`, `Killed` and others.
        class: String,
        /// Description of the end, in one sentence.
        text: String,
    },
    /// The unit was given back, or its worker ended before the unit was begun, or was told to stop: nobody's failure.
    Stopped,
}

/// Event in the life of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A unit was granted.
    Granted {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt in this sweep.
        attempt: u32,
        /// Connection of the worker.
        worker: u64,
        /// Slot of the worker.
        slot: usize,
        /// Device, as the worker names it.
        device: String,
        /// Process id of the worker, where it is known.
        pid: Option<u32>,
    },
    /// An attempt ended.
    Ended {
        /// Name of the unit.
        unit: UnitId,
        /// Number of the attempt.
        attempt: u32,
        /// End of the attempt.
        how: Ended,
    },
    /// A unit is not tried again in this sweep: if its last attempt was lost, that end counts as a failure after all.
    GivenUp {
        /// Name of the unit.
        unit: UnitId,
        /// Reason, in one sentence.
        reason: String,
    },
    /// The sweep ended.
    Over {
        /// Outcome, in a word or a sentence.
        outcome: String,
    },
}
