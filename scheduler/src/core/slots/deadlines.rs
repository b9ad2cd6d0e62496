//! Deadlines of slots: leases, hung units, and a scheduler that stood still.

use super::{Slot, Slots, State};
use crate::core::event::Now;
use crate::core::failure::Class;

/// Time that a new process has to call. Loading libtorch from a cold network disk takes a minute.
const STARTING: Now = Now::from_mins(3);

impl Slots {
    /// Sets the time at which the first unit of `slot` counts as hung.
    pub(in crate::core) fn set_deadline(&mut self, slot: usize, deadline: Now) {
        self.list[slot].deadline = deadline;
    }

    /// The process of `slot` has begun, which was queued: from now on its call is expected.
    pub(in crate::core) fn began(&mut self, slot: usize, now: Now) {
        if self.list[slot].state == State::Queued {
            self.set(slot, State::Starting(now));
        }
    }

    /// Slots whose worker is silent, is hung, did not call or did not call again.
    pub(in crate::core) fn overdue(&self, now: Now, lease: Now) -> Vec<(usize, Class, &'static str)> {
        let over = |since: Now, allowed: Now| now.saturating_sub(since) > allowed;
        let overdue = |(index, slot): (usize, &Slot)| {
            let (class, text) = match slot.state {
                State::Starting(since) if over(since, STARTING) => (Class::Device, "its worker did not call"),
                State::Away(since) | State::Expected(since) if over(since, lease) => {
                    (Class::Lost, "its worker lost the line and did not call again within the lease")
                }
                State::Serving { heard, .. } if over(heard, lease) => {
                    (Class::Lost, "its worker was silent for longer than the lease")
                }
                State::Serving { .. } if !slot.held.is_empty() && now > slot.deadline => {
                    (Class::Hung, "its unit took longer than the deadline: task_timeout, or thirty times its forecast")
                }
                _ => return None,
            };
            Some((index, class, text))
        };
        self.list.iter().enumerate().filter_map(overdue).collect()
    }

    /// Extends all times by a `gap` in which the scheduler itself stood still: no worker was silent in that time.
    pub(in crate::core) fn stood_still(&mut self, gap: Now) {
        for slot in &mut self.list {
            match &mut slot.state {
                State::Starting(since) | State::Expected(since) | State::Away(since) | State::Stuck(since) => {
                    *since += gap;
                }
                State::Serving { heard, .. } => *heard += gap,
                State::Empty | State::Queued | State::Leaving => {}
            }
            slot.killed = slot.killed.map(|since| since + gap);
            slot.deadline = slot.deadline.saturating_add(gap);
        }
    }
}
