//! Slots whose workers are jobs of a queue: jobs that wait, that are put back into the queue, that end, and that nobody needs.

use super::{Slot, Slots, State};
use crate::core::event::Now;
use crate::core::queue::Home;

impl Slots {
    /// Notes that the worker of `slot` waits in a queue: nobody expects its call. Returns the units that it held, where it was put
    /// back into the queue and its line is broken, and their home.
    pub(in crate::core) fn queued(&mut self, slot: usize) -> (Vec<usize>, Option<Home>) {
        if !matches!(self.list[slot].state, State::Starting(_) | State::Expected(_) | State::Away(_)) {
            return (Vec::new(), None);
        }
        self.set(slot, State::Queued);
        self.strip(slot)
    }

    /// Notes the time at which the worker that calls for `slot` leaves, as its job ends.
    pub(in crate::core) fn set_end(&mut self, slot: usize, end: Now) {
        self.list[slot].until = Some(end);
    }

    /// Time until the worker of `slot` leaves; `None` if nothing is to be kept from it. A worker that has done nothing yet is given a
    /// unit in any case: what it writes of the unit stays, and a unit that is longer than any job would never be done otherwise.
    pub(in crate::core) fn time_left(&self, slot: usize, now: Now) -> Option<Now> {
        let of = &self.list[slot];
        let has_begun = of.warm.is_some() || !of.held.is_empty();
        of.until.filter(|_| has_begun).map(|until| until.saturating_sub(now))
    }

    /// Notes that the worker of `slot` is given nothing behind the unit that it holds, as it has no time for more.
    pub(in crate::core) fn sate(&mut self, slot: usize) {
        self.list[slot].sated = true;
        self.refile(slot);
    }

    /// Notes that `unit`, the first that the worker of `slot` holds, is under way since `now` at the latest.
    pub(in crate::core) fn begin(&mut self, slot: usize, unit: usize, now: Now) {
        let of = &mut self.list[slot];
        of.begun = of.begun.filter(|(begun, _)| *begun == unit).or(Some((unit, now)));
    }

    /// Seconds for which `unit` is under way in `slot`.
    pub(in crate::core) fn since(&self, slot: usize, unit: usize, now: Now) -> f32 {
        let begun = self.list[slot].begun.filter(|(begun, _)| *begun == unit);
        begun.map_or(0.0, |(_, since)| now.saturating_sub(since).as_secs_f32())
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
