//! What the core is told and what it answers.

use std::time::Duration;

use fleet::{Condition, Ended, WorkerId};
use sweep::message::{FromWorker, Report, ToWorker};
use sweep::unit::{Unit, UnitId};

/// Time since the scheduler started.
pub(crate) type Now = Duration;

/// A shard to do.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Index of its group.
    pub(crate) group: usize,
    pub(crate) unit: Unit,
    /// Seconds that it is forecast to take, where that was measured; on devices of several kinds, the mean.
    pub(crate) forecast: Option<f64>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A worker called. One that calls again says what it holds.
    Connected {
        worker: WorkerId,
        slot: usize,
        holds: Option<Vec<(UnitId, u32)>>,
    },
    Message {
        worker: WorkerId,
        message: FromWorker,
    },
    /// A line has broken. The process at its other end may live, and call again.
    Disconnected {
        worker: WorkerId,
    },
    /// The worker of a slot waits in the queue of its launcher.
    Queued {
        slot: usize,
    },
    /// The worker of a slot has left the queue, and its process has begun.
    Began {
        slot: usize,
    },
    Exited {
        slot: usize,
        how: Ended,
    },
    LaunchFailed {
        slot: usize,
        reason: String,
    },
    /// The GPU of a slot is in another condition than before.
    Health {
        slot: usize,
        condition: Condition,
    },
    /// The end of a group's store is written.
    Closed(usize),
    /// Something could not be written here: a worker's log, the end of a group's store.
    Unwritable {
        what: Unwritable,
        reason: String,
    },
    /// The output folder was tried, and could be written or not.
    Tried(Result<(), String>),
    Tick,
    Interrupt,
}

/// What could not be written by the scheduler itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// The log of a worker to be, which was not started.
    Log { slot: usize },
    /// The end of a group's store.
    Group(usize),
    /// The output folder, which is no longer the one that was locked.
    Folder,
}

/// What is to be done about it.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Launch(usize),
    Send(WorkerId, ToWorker),
    Kill(usize),
    /// The process of the slot was killed and does not end: somebody should know.
    LeaveBehind(usize),
    /// A unit is done, of this many maps, which took this.
    Count {
        unit: UnitId,
        maps: u64,
        report: Report,
    },
    /// A unit was under way when its worker ended, which is held against it in this way.
    Blame {
        unit: UnitId,
        attempt: u32,
        class: &'static str,
        text: String,
    },
    /// Every part of the group is in its store; [`Event::Closed`] or [`Event::Unwritable`] tells.
    Close(usize),
    /// See whether the output folder can be written; [`Event::Tried`] tells.
    Try,
    /// Everything has ended.
    End(Outcome),
}

/// How the sweep ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Every unit is done.
    Complete,
    /// These units were given up, with the reason of each.
    Incomplete(Vec<(UnitId, String)>),
    /// No device is left that starts a worker.
    NoWorkers(String),
    /// Told to stop.
    Interrupted,
}

/// How the core answers failures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often a unit that failed is tried again.
    pub(crate) max_retries: u32,
    /// Silence after which a worker is lost.
    pub(crate) lease: Duration,
    /// Longest time that any unit may take.
    pub(crate) unit_timeout: Duration,
}
