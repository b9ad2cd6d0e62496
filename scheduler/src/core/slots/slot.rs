//! Slot of one device: the state of its worker, and what the worker holds.

use fleet::WorkerId;

use super::quarantine::Health;
use crate::core::event::Now;
use crate::core::failure::Class;
use crate::core::queue::Home;

/// A device and its worker.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) state: State,
    /// Units that its worker holds, the one under way first.
    pub(super) held: Vec<usize>,
    /// Time at which the first unit counts as hung.
    pub(super) deadline: Now,
    pub(super) health: Health,
    /// The unit that its worker was asked to return.
    pub(super) asked: Option<usize>,
    /// Whether the worker has to leave: nothing is granted to it any more.
    pub(super) leaves: bool,
    /// Whether the worker has no time for a unit behind the one that it holds.
    pub(super) sated: bool,
    /// Time at which the worker leaves, if its job has an end.
    pub(super) until: Option<Now>,
    /// The first unit that the worker holds, and the time since when the unit is under way.
    pub(super) begun: Option<(usize, Now)>,
    /// Reason for which the worker is being ended, if it is.
    pub(super) ending: Option<(Class, String)>,
    /// Time at which the process was first killed.
    pub(super) killed: Option<Now>,
    /// Home of the last unit that the worker was given, and home of the last unit that the worker has done.
    pub(super) home: Option<Home>,
    pub(super) warm: Option<Home>,
    pub(super) last: String,
}

impl Slot {
    /// Slot of a device on which no worker was started yet.
    pub(super) fn empty() -> Self {
        Self {
            state: State::Empty,
            held: Vec::new(),
            deadline: Now::MAX,
            health: Health::new(),
            asked: None,
            leaves: false,
            sated: false,
            until: None,
            begun: None,
            ending: None,
            killed: None,
            home: None,
            warm: None,
            last: String::new(),
        }
    }
}

/// State of the worker of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Empty,
    /// A worker waits in the queue of its launcher, for as long as that takes.
    Queued,
    /// A process was started and has not called yet.
    Starting(Now),
    /// A process of an earlier scheduler may still live and call.
    Expected(Now),
    Serving {
        worker: WorkerId,
        heard: Now,
    },
    /// The connection is broken, and the worker may call again.
    Away(Now),
    /// The process is being ended.
    Leaving,
    /// The process was killed and has not ended. The scheduler has left process and device behind since then.
    Stuck(Now),
}

/// Units that a worker leaves behind, and the reason for its end.
pub(in crate::core) struct Left {
    pub(in crate::core) held: Vec<usize>,
    pub(in crate::core) class: Class,
    pub(in crate::core) text: String,
    pub(in crate::core) home: Option<Home>,
}
