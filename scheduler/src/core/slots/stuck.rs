//! Processes that were killed and do not end: they wait inside the system, for a driver or a disk, and cannot be helped.
//!
//! Such a process runs no instruction of its own any more, so what it held can be given to others. Its device cannot:
//! what it has allocated there stays allocated, and another one would meet a driver in trouble.

use super::{Left, Slots, State};
use crate::core::event::Now;
use crate::core::failure::Class;

/// Time that a killed process has to end, at least: to give back a hundred gigabytes takes the system seconds.
const BURIAL: Now = Now::from_secs(10);
/// Time after which nobody hopes any longer that one which is left behind will end: file servers come back sooner.
const HOPE: Now = Now::from_hours(1);

impl Slots {
    /// The process of `slot` is ended without asking, at the latest from now on.
    pub(in crate::core) fn killed(&mut self, slot: usize, now: Now) {
        self.list[slot].killed.get_or_insert(now);
    }

    /// A slot whose process was killed, has had a lease to end, and has not.
    pub(in crate::core) fn unburied(&self, now: Now, lease: Now) -> Option<usize> {
        let over = |since: Now| now.saturating_sub(since) > lease.max(BURIAL);
        self.list.iter().position(|slot| slot.killed.is_some_and(over))
    }

    /// The process of `slot` is left behind.
    pub(in crate::core) fn leave_behind(&mut self, slot: usize, now: Now) -> Left {
        self.set(slot, State::Stuck(now));
        self.bereave(slot, Class::Lost, "its worker was killed and does not end".to_owned())
    }

    /// Whether a process was left behind here, and for so long that it will not end any more.
    pub(super) fn is_stuck_for_good(state: State, now: Now) -> bool {
        matches!(state, State::Stuck(since) if now.saturating_sub(since) > HOPE)
    }
}
