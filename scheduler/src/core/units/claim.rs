//! Claims of workers: units that a worker says it holds when it calls again.

use sweep::unit::UnitId;

use super::{State, Units};

/// Result of a claim to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::core) enum Claim {
    /// The slot holds the unit. `waited` says whether the unit waited before.
    Held { unit: usize, waited: bool },
    /// The unit is done or not of this sweep, so that its result is of no use.
    Useless,
    /// Another worker holds the unit.
    Refused,
}

impl Units {
    /// Judges the claim of the worker of `slot` to a unit, which the worker was granted before its connection broke, or
    /// by an earlier scheduler.
    pub(in crate::core) fn claim(&mut self, id: &UnitId, slot: usize, attempt: u32) -> Claim {
        let Some(index) = self.find(id) else { return Claim::Useless };
        // Granted in error, or what it waits for was lost since.
        let early = self.waits_for_others(index);
        let entry = &mut self.list[index];
        match entry.state {
            State::Granted(holder) if holder == slot as u32 && entry.attempts == attempt => {
                Claim::Held { unit: index, waited: false }
            }
            State::Waiting if attempt >= entry.attempts && !early => {
                (entry.state, entry.attempts) = (State::Granted(slot as u32), attempt);
                Claim::Held { unit: index, waited: true }
            }
            State::Done | State::GivenUp => Claim::Useless,
            State::Granted(_) | State::Waiting => Claim::Refused,
        }
    }
}
