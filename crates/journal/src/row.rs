//! What is written down.

use sweep::message::Report;
use sweep::unit::UnitId;

/// Seconds since 1970, as the machine's clock says: a time for people, which may be set back at any moment.
pub(crate) fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Outcome of a sweep that somebody stopped: the next sweep goes on with it, as with a sweep that was killed.
pub const INTERRUPTED: &str = "interrupted";

/// A sweep that begins.
#[derive(Clone, Debug)]
pub struct SweepStart {
    /// Version of the program.
    pub program: String,
    /// The config file.
    pub config: String,
    /// SHA-256 of its text, in hexadecimal.
    pub config_sha256: String,
    /// Process id of the scheduler.
    pub pid: u32,
    /// Units that were to be done.
    pub units: u64,
    /// Whether failures of sweeps before this one are to be forgotten.
    pub afresh: bool,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// Everything of the unit is in its store.
    Done(Report),
    /// It failed.
    Failed {
        /// `Input`, `Number`, ...: the kind of failure as messages name it.
        class: String,
        /// One sentence.
        text: String,
    },
    /// Its worker went away while it was under way, which may be nobody's fault.
    Lost {
        /// `Crash`, `Killed`, ...: the kind of end.
        class: String,
        /// How, in a sentence.
        text: String,
    },
    /// It was given back, or its worker went away before it was begun or was told to stop: nobody's failure.
    Stopped,
}

/// Something that happened to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A unit was granted.
    Granted {
        /// Name of the unit.
        unit: UnitId,
        /// Which granting of it in this sweep.
        attempt: u32,
        /// Connection of the worker.
        worker: u64,
        /// The worker's place.
        slot: usize,
        /// The device as the worker named it.
        device: String,
        /// Process id of the worker, where it is known.
        pid: Option<u32>,
    },
    /// An attempt ended.
    Ended {
        /// Name of the unit.
        unit: UnitId,
        /// Which granting.
        attempt: u32,
        /// How.
        how: Ended,
    },
    /// A unit is not tried again in this sweep: if it was lost only, that was a failure after all.
    GivenUp {
        /// Name of the unit.
        unit: UnitId,
        /// Why, in a sentence.
        reason: String,
    },
    /// The sweep ended.
    Over {
        /// In a word or a sentence.
        outcome: String,
    },
}
