//! Connections of workers: calling, speaking and falling silent.

use fleet::WorkerId;

use super::{Slots, State};
use crate::core::event::Now;

impl Slots {
    /// Notes that `worker` called for `slot`, for the first time or again; false if nobody was expected.
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

    /// Notes that `worker` said something; its slot, unless nobody listens to the worker any more.
    pub(in crate::core) fn heard(&mut self, worker: WorkerId, now: Now) -> Option<usize> {
        let slot = *self.by_worker.get(&worker)?;
        self.list[slot].state = State::Serving { worker, heard: now };
        Some(slot)
    }

    /// Notes that the connection of `worker` is broken. An unreachable worker may live, and has a lease of time to call
    /// again.
    pub(in crate::core) fn disconnected(&mut self, worker: WorkerId, now: Now) {
        if let Some(slot) = self.by_worker.get(&worker) {
            self.set(*slot, State::Away(now));
        }
    }

    /// Notes that the worker of `slot` has to leave.
    pub(in crate::core) fn leaves(&mut self, slot: usize) {
        tracing::info!(slot, "the worker has to leave");
        self.list[slot].leaves = true;
        self.refile(slot);
    }

    /// Number of healthy devices that have nothing to do and for which no unit is asked back.
    pub(in crate::core) fn spare(&self) -> usize {
        if self.idle.is_empty() {
            return 0;
        }
        let idle = self.idle.iter().filter(|slot| !self.list[**slot].health.is_doubtful()).count();
        idle.saturating_sub(self.list.iter().filter(|slot| slot.asked.is_some()).count())
    }

    /// Slots whose worker holds a unit behind the unit that is under way, with both units.
    pub(in crate::core) fn ahead(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let slots = self.list.iter().enumerate();
        slots.filter_map(|(index, slot)| match (slot.state, slot.asked, &slot.held[..]) {
            (State::Serving { .. }, None, [first, .., last]) if !slot.leaves => Some((index, *first, *last)),
            _ => None,
        })
    }

    /// Notes that the worker of `slot` is asked to return `unit`.
    pub(in crate::core) fn ask(&mut self, slot: usize, unit: usize) {
        self.list[slot].asked = Some(unit);
    }
}
