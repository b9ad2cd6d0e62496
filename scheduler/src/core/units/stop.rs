//! End of groups whose input is bad: all units of a group read the same files, so that not each of them has to fail.

use super::{State, Units};

/// Number of units in a row that find the input of their group bad before the group is given up. The second unit is tried
/// after all others: by then a file that is just being put in its place exists.
const FOUND: u32 = 2;

impl Units {
    /// Notes that a unit found the input of its group bad; whether the limit is reached, and the unit given up.
    pub(super) fn found_bad(&mut self, index: usize, text: &str) -> bool {
        let group = self.group(index);
        self.groups[group].bad += 1;
        let enough = self.groups[group].bad >= FOUND;
        if enough {
            let reason = format!("bad input of its group: {text}");
            self.groups[group].stopped.get_or_insert_with(|| reason.clone());
            self.give_up(index, reason);
        }
        enough
    }

    /// Gives up the waiting units of `group` if its input was found bad too often, and returns those that were in the
    /// queue. Units that workers hold stay theirs: they fail, or were sound after all.
    pub(in crate::core) fn stop(&mut self, group: usize) -> Vec<usize> {
        let Some(reason) = self.groups[group].stopped.clone() else { return Vec::new() };
        let units = self.groups[group].units.iter().map(|unit| *unit as usize);
        let mut waiting: Vec<usize> = units.filter(|unit| self.list[*unit].state == State::Waiting).collect();
        // Those that others wait for come first in the order of the config.
        waiting.sort_unstable();
        if let Some(first) = waiting.first() {
            let group = self.list[*first].id.group();
            tracing::warn!(group, units = waiting.len(), reason, "what is left of the group is given up");
        }
        let queued = waiting.iter().copied().filter(|unit| !self.waits_for_others(*unit)).collect();
        for unit in waiting {
            // Not those that have ended with a unit that they waited for.
            if self.list[unit].state == State::Waiting {
                self.end(unit, reason.clone());
            }
        }
        queued
    }
}
