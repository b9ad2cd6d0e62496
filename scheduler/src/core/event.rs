//! Events that the core hears, and actions with which the core answers.

use std::time::Duration;

use fleet::{Condition, Ended, WorkerId};
use protocol::message::{FromWorker, Report, ToWorker};
use sweep::unit::UnitId;

use super::queue::Home;

/// Time since the scheduler started.
pub(crate) type Now = Duration;

/// Unit to do, as far as scheduling needs to know the unit: the core does not read the work itself.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: UnitId,
    /// Index of the group that the task belongs to.
    pub(crate) group: usize,
    /// Tasks that must be done before this one, by their index.
    pub(crate) after: Vec<u32>,
    /// Reason for which the task is given up together with a task that it waits for.
    pub(crate) bereft: &'static str,
    /// Model and data that a worker keeps from one task to the next.
    pub(crate) home: Home,
    /// Seconds that the task is forecast to take, where that was measured; on devices of several kinds, the mean.
    pub(crate) forecast: Option<f64>,
    /// Size of the task, in attribution maps.
    pub(crate) maps: u64,
    /// Whether the task goes before longer ones: it is short, and others wait for it or it completes something.
    pub(crate) first: bool,
}

/// Event in the world outside of the core.
#[derive(Debug)]
pub(crate) enum Event {
    /// A worker has called. A worker that calls again says which units it holds.
    Connected {
        worker: WorkerId,
        slot: usize,
        holds: Option<Vec<(UnitId, u32)>>,
    },
    Message {
        worker: WorkerId,
        message: FromWorker,
    },
    /// A connection has broken. The process at the other end may live, and call again.
    Disconnected {
        worker: WorkerId,
    },
    /// The worker of a slot waits in the queue of its launcher.
    Queued {
        slot: usize,
    },
    /// The worker that is about to call for a slot leaves after this time, as its job ends.
    Ends {
        slot: usize,
        after: Duration,
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
    /// The GPU of a slot has changed its condition.
    Health {
        slot: usize,
        condition: Condition,
    },
    /// The store of a group is marked complete.
    Closed(usize),
    /// The scheduler itself could not write something: the log of a worker, or the end of a store.
    Unwritable {
        what: Unwritable,
        reason: String,
    },
    /// The output folder was tested: writing works, or fails for this reason.
    Tried(Result<(), String>),
    /// Somebody wants units that were given up to be tried again.
    Retry,
    Tick,
    Interrupt,
}

/// Target that the scheduler itself could not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// Log of a worker, which was not started for that reason.
    Log { slot: usize },
    /// Mark of completeness of the store of a group.
    Group(usize),
    /// Output folder, which is no longer the folder that was locked.
    Folder,
}

/// Action that follows from an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Launch(usize),
    /// Grant the task of this index to the worker, in this attempt.
    Grant {
        worker: WorkerId,
        task: usize,
        attempt: u32,
    },
    Send(WorkerId, ToWorker),
    Kill(usize),
    /// Report that the process of the slot was killed and does not end.
    LeaveBehind(usize),
    /// Count a unit as done, with its size in maps and the report of its worker.
    Count {
        unit: UnitId,
        maps: u64,
        report: Report,
    },
    /// Hold the end of a worker against the unit that was under way, as a failure of this class.
    Blame {
        unit: UnitId,
        attempt: u32,
        class: &'static str,
        text: String,
    },
    /// Tell that the unit is given up, and is no work to come.
    GiveUp(UnitId),
    /// Tell that the unit was given up and is tried again.
    TryAgain(UnitId),
    /// Mark the store of the group complete; the answer is [`Event::Closed`] or [`Event::Unwritable`].
    Close(usize),
    /// Test whether the output folder can be written; the answer is [`Event::Tried`].
    Try,
    /// End the program: all work and all workers have ended.
    End(Outcome),
}

/// Outcome of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Every unit is done.
    Complete,
    /// Units that were given up, with the reason of each.
    Incomplete(Vec<(UnitId, String)>),
    /// No device starts a worker any more, for this reason.
    NoWorkers(String),
    /// Somebody told the scheduler to stop.
    Interrupted,
}

/// Limits by which the core answers failures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Number of times that a failed unit is tried again.
    pub(crate) max_retries: u32,
    /// Silence after which a worker is lost.
    pub(crate) lease: Duration,
    /// Longest time that any unit may take.
    pub(crate) unit_timeout: Duration,
    /// Whether workers for which there is nothing to do are let go, as others wait for their machines.
    pub(crate) lets_go: bool,
}
