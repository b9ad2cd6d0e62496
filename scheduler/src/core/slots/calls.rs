//! Workers that call, speak and fall silent.

use fleet::WorkerId;

use super::{Slots, State};
use crate::core::Now;

impl Slots {
    /// `worker` called for `slot`, for the first time or again; false if nobody was expected.
    pub(in crate::core) fn connect(&mut self, slot: usize, worker: WorkerId, again: bool, now: Now) -> bool {
        let expected = match self.list[slot].state {
            State::Starting(_) | State::Expected(_) | State::Away(_) => true,
            // The line broke, and the other end knew it first.
            State::Serving { .. } => again,
            State::Empty | State::Leaving => false,
        };
        if expected {
            self.set(slot, State::Serving { worker, heard: now });
            self.unknown.remove(&slot);
        }
        expected
    }

    /// `worker` said something; its slot, unless it is no longer listened to.
    pub(in crate::core) fn heard(&mut self, worker: WorkerId, now: Now) -> Option<usize> {
        let slot = *self.by_worker.get(&worker)?;
        self.list[slot].state = State::Serving { worker, heard: now };
        Some(slot)
    }

    /// The line of `worker` is broken. Unreachable is not dead: it has a lease to call again.
    pub(in crate::core) fn disconnected(&mut self, worker: WorkerId, now: Now) {
        if let Some(slot) = self.by_worker.get(&worker) {
            self.set(*slot, State::Away(now));
        }
    }
}
