//! Invariants of units, their queue and their slots, which hold after every event.

use super::{State, Units};
use crate::core::queue::Queue;
use crate::core::slots::Slots;

impl Units {
    /// Checks that a granted unit is held by one slot, that a waiting unit is held by none, and that no unit is granted
    /// before those that it waits for.
    pub(in crate::core) fn assert_consistent(&self, queue: &Queue, slots: &Slots) {
        let holders = slots.holders();
        let mut open = 0;
        for (index, entry) in self.list.iter().enumerate() {
            let held_by = holders.get(&index).map_or(&[][..], Vec::as_slice);
            let waits_for_others = self.waits_for_others(index);
            match entry.state {
                State::Waiting => {
                    assert!(held_by.is_empty(), "unit {index} waits and is held by {held_by:?}");
                    assert_eq!(queue.contains(index), !waits_for_others, "unit {index} waits, but where?");
                }
                State::Granted(slot) => {
                    assert_eq!(held_by, [slot as usize], "unit {index} is granted to {slot}");
                    assert!(!queue.contains(index), "unit {index} is granted and waits");
                    assert!(!waits_for_others, "unit {index} is granted before those that it waits for are done");
                }
                State::Done | State::GivenUp => {
                    assert!(held_by.is_empty(), "unit {index} has ended and is held by {held_by:?}");
                    assert!(!queue.contains(index), "unit {index} has ended and waits");
                }
            }
            open += usize::from(matches!(entry.state, State::Waiting | State::Granted(_)));
        }
        assert_eq!(open, self.open);
        for ((index, class), count) in &self.failures {
            let budget = class.answer(self.retries).budget.unwrap_or(u32::MAX);
            assert!(*count <= budget, "unit {index} met {class:?} {count} times of {budget}");
        }
    }
}
