//! Happenings of a sweep, as one stream: every part of the scheduler that keeps, counts or shows something hears the stream.
//!
//! A listener is one file and one line in `listeners`. Listeners decide nothing: the core decides what follows from an
//! event.

use std::time::Duration;

use fleet::{Ended, WorkerId};
use protocol::about::About;
use protocol::message::{FromWorker, Report};
use sweep::unit::UnitId;

use crate::core::Outcome;

/// Happening in a sweep.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// The sweep begins, with this number of attribution maps to do.
    Begun { maps: u64 },
    /// A worker has called from a slot. A worker that calls again holds units.
    Connected {
        worker: WorkerId,
        slot: usize,
        device: &'a str,
        /// Description that a worker of another machine gives of itself.
        about: Option<&'a About>,
        pid: Option<u32>,
        holds: &'a [(UnitId, u32)],
    },
    /// A worker has said something.
    Said { worker: WorkerId, message: &'a FromWorker },
    /// A unit is granted to a worker, in this attempt.
    Granted { worker: WorkerId, unit: &'a UnitId, attempt: u32 },
    /// A unit is done, `since` the beginning of the sweep, and its result counts.
    Counted { maps: u64, report: &'a Report, since: Duration },
    /// An attempt was under way when its worker ended, and the end is held against the unit.
    Blamed { unit: &'a UnitId, attempt: u32, class: &'static str, text: &'a str },
    /// A unit is given up: it is no work to come.
    GivenUp { unit: &'a UnitId },
    /// A unit that was given up is tried again.
    TriedAgain { unit: &'a UnitId },
    /// The process of a slot has ended.
    Exited { slot: usize, how: Ended },
    /// The process of a slot was killed and does not end.
    LeftBehind { device: &'a str, pid: u32 },
    /// The process of a slot has ended or is left behind, and all that follows for its units has been heard.
    Vacated { slot: usize },
    /// A tick of the clock, five times a second.
    Tick,
    /// The sweep has ended.
    Over { outcome: &'a Outcome },
}

/// Part of the scheduler that hears all happenings.
pub(crate) trait Listener {
    /// Takes note of a happening.
    fn hear(&mut self, happening: &Happening<'_>);
}
