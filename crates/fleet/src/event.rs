//! Events of the fleet.

use protocol::about::About;
use protocol::message::{FromWorker, ToWorker};
use sweep::unit::UnitId;
use tokio::sync::mpsc;

use crate::health::condition::Condition;
use crate::launchers::Ended;

/// A connection of a worker, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u64);

/// An event of the fleet.
#[derive(Debug)]
pub enum Event {
    /// The worker of a slot waits in the queue of its launcher.
    Queued {
        /// The slot.
        slot: usize,
    },
    /// The worker of a slot has left the queue, and its process has begun.
    Began {
        /// The slot.
        slot: usize,
    },
    /// A worker called and was let in.
    Connected {
        /// Its connection.
        worker: WorkerId,
        /// The slot that it serves.
        slot: usize,
        /// The starting of a process for the slot that it comes from.
        instance: u64,
        /// Units and attempts that it holds, if it calls again.
        holds: Option<Vec<(UnitId, u32)>>,
        /// The device as the worker found it.
        device: String,
        /// Machine, job and device of the worker.
        about: Box<About>,
        /// Messages to the worker.
        line: mpsc::UnboundedSender<ToWorker>,
    },
    /// A worker sent a message.
    Message {
        /// Its connection.
        worker: WorkerId,
        /// The message.
        message: FromWorker,
    },
    /// A connection has ended.
    Disconnected {
        /// The connection.
        worker: WorkerId,
    },
    /// The process of a slot has ended.
    Exited {
        /// The slot.
        slot: usize,
        /// The way in which it ended.
        how: Ended,
    },
    /// The worker of a slot could not be started, or is of no use where it runs.
    Refused {
        /// The slot.
        slot: usize,
        /// The reason, a sentence.
        reason: String,
    },
    /// A worker called that does not see the folders of the sweep.
    Blind {
        /// The slot.
        slot: usize,
        /// The number of its start.
        instance: u64,
        /// The node on which it runs.
        node: String,
        /// Sentence on the folder that the worker does not see.
        reason: String,
    },
    /// The condition of a GPU has changed.
    Health {
        /// The slot of the GPU.
        slot: usize,
        /// The new condition.
        condition: Condition,
    },
}
