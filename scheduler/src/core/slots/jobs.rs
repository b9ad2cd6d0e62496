//! Slots whose workers are jobs of a queue: jobs that wait, that are put back into the queue, that end, and that nobody needs.

use super::{Slot, Slots, State};
use crate::core::event::Now;

impl Slots {
    /// Notes that the worker of `slot` waits in a queue: nobody expects its call. Returns the units that it held, where it was put
    /// back into the queue and its line is broken.
    pub(in crate::core) fn queued(&mut self, slot: usize) -> Vec<usize> {
        if !matches!(self.list[slot].state, State::Starting(_) | State::Expected(_) | State::Away(_)) {
            return Vec::new();
        }
        self.set(slot, State::Queued);
        self.unknown.remove(&slot);
        let of = &mut self.list[slot];
        (of.warm, of.asked, of.leaves, of.until) = (None, None, false, None);
        std::mem::take(&mut of.held)
    }

    /// Takes the home of the last unit of `slot` away, whose worker starts anew.
    pub(in crate::core) fn leave_home(&mut self, slot: usize) -> Option<crate::core::queue::Home> {
        self.list[slot].home.take()
    }

    /// Notes the time at which the job of the worker that calls for `slot` ends.
    pub(in crate::core) fn set_end(&mut self, slot: usize, end: Now) {
        self.list[slot].until = Some(end);
    }

    /// Whether the worker of `slot` has the time for a unit that takes `seconds`. A worker that has done nothing yet is given a unit
    /// all the same: what it writes of the unit stays, and a unit that is longer than any job would never be done otherwise.
    pub(in crate::core) fn has_time(&self, slot: usize, seconds: Option<f32>, now: Now) -> bool {
        let of = &self.list[slot];
        let fits =
            |until: Now| seconds.is_none_or(|seconds| f64::from(seconds) <= until.saturating_sub(now).as_secs_f64());
        (of.warm.is_none() && of.held.is_empty()) || of.until.is_none_or(fits)
    }

    /// Slots that are not needed where there is less to do than there are workers: those that wait in a queue come first, then
    /// workers that hold nothing.
    pub(in crate::core) fn not_needed(&self) -> Vec<usize> {
        let in_state = |is: fn(&Slot) -> bool| {
            let slots = self.list.iter().enumerate();
            slots.filter(move |(_, slot)| is(slot)).map(|(index, _)| index)
        };
        let queued = in_state(|slot| slot.state == State::Queued);
        let idle = in_state(|slot| matches!(slot.state, State::Serving { .. }) && slot.held.is_empty());
        queued.chain(idle).collect()
    }
}
