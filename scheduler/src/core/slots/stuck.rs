//! Processes that were killed and do not end: such a process waits inside the system, for a driver or a disk, and cannot be
//! helped.
//!
//! A stuck process runs no instruction of its own any more, so its units can be given to others. Its device cannot: memory
//! that the process has allocated there stays allocated, and another process would meet a driver in trouble.

use super::{Left, Slots, State};
use crate::core::event::Now;
use crate::core::failure::Class;

/// Shortest time that a killed process has to end: giving back a hundred gigabytes takes the system seconds.
const BURIAL: Now = Now::from_secs(10);
/// Time after which a process that is left behind is expected not to end any more: file servers come back sooner.
const HOPE: Now = Now::from_hours(1);

impl Slots {
    /// Notes that the process of `slot` is killed, at the latest from now on.
    pub(in crate::core) fn killed(&mut self, slot: usize, now: Now) {
        self.list[slot].killed.get_or_insert(now);
    }

    /// Finds a slot whose process was killed, has had a lease of time to end, and has not ended.
    pub(in crate::core) fn unburied(&self, now: Now, lease: Now) -> Option<usize> {
        let over = |since: Now| now.saturating_sub(since) > lease.max(BURIAL);
        self.list.iter().position(|slot| slot.killed.is_some_and(over))
    }

    /// Leaves the process of `slot` behind.
    pub(in crate::core) fn leave_behind(&mut self, slot: usize, now: Now) -> Left {
        self.set(slot, State::Stuck(now));
        self.bereave(slot, Class::Lost, "its worker was killed and does not end".to_owned())
    }

    /// Whether a process was left behind here so long ago that it will not end any more.
    pub(super) fn is_stuck_for_good(state: State, now: Now) -> bool {
        matches!(state, State::Stuck(since) if now.saturating_sub(since) > HOPE)
    }
}
