//! Workers that call, speak and fall silent.

use fleet::WorkerId;

use super::{Slots, State};
use crate::core::Now;

impl Slots {
    /// `worker` called for `slot`, for the first time or again; false if nobody was expected.
    pub(in crate::core) fn connect(&mut self, slot: usize, worker: WorkerId, again: bool, now: Now) -> bool {
        let expected = match self.list[slot].state {
            State::Queued | State::Starting(_) | State::Expected(_) | State::Away(_) => true,
            // The line broke, and the other end knew it first.
            State::Serving { .. } => again,
            State::Empty | State::Leaving | State::Stuck(_) => false,
        };
        if expected {
            // What it was asked for on the line before may not have arrived.
            self.list[slot].asked = None;
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

    /// The worker of `slot` has to go.
    pub(in crate::core) fn leaves(&mut self, slot: usize) {
        tracing::info!(slot, "the worker has to leave");
        self.list[slot].leaves = true;
        self.refile(slot);
    }

    /// Well devices that have nothing to do and that no unit is asked back for.
    pub(in crate::core) fn spare(&self) -> usize {
        if self.idle.is_empty() {
            return 0;
        }
        let idle = self.idle.iter().filter(|slot| !self.list[**slot].health.is_doubtful()).count();
        idle.saturating_sub(self.list.iter().filter(|slot| slot.asked.is_some()).count())
    }

    /// Slots whose worker holds a unit behind the one that is under way, and the two.
    pub(in crate::core) fn ahead(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let slots = self.list.iter().enumerate();
        slots.filter_map(|(index, slot)| match (slot.state, slot.asked, &slot.held[..]) {
            (State::Serving { .. }, None, [first, .., last]) if !slot.leaves => Some((index, *first, *last)),
            _ => None,
        })
    }

    /// The worker of `slot` is asked to return `unit`.
    pub(in crate::core) fn ask(&mut self, slot: usize, unit: usize) {
        self.list[slot].asked = Some(unit);
    }
}
