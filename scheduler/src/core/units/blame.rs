//! Failures that are held against units, and the end of a unit that had too many.

use sweep::unit::UnitId;

use super::{State, Units};
use crate::core::Action;
use crate::core::failure::Class;

impl Units {
    /// Counts a failure of this class. Whether the unit waits again, and if so whether as the last of all.
    pub(in crate::core) fn failed(&mut self, index: usize, class: Class, text: &str) -> Option<bool> {
        self.list[index].state = State::Waiting;
        if class == Class::Group && self.found_bad(index, text) {
            return None;
        }
        let answer = class.answer(self.retries);
        let Some(budget) = answer.budget else { return Some(answer.last) };
        let count = self.failures.entry((index, class)).or_default();
        *count += 1;
        if *count < budget {
            return Some(answer.last);
        }
        self.give_up(index, format!("{text} ({}: {budget} of {budget})", answer.words));
        None
    }

    /// Counts failures from before this scheduler was started. The unit is tried once more at least, as the cause may be
    /// gone.
    pub(in crate::core) fn remember(&mut self, id: &UnitId, class: Class, times: u32) {
        let Some((index, budget)) = self.find(id).zip(class.answer(self.retries).budget) else { return };
        let counted = times.min(budget - 1);
        if counted > 0 {
            self.failures.insert((index, class), counted);
        }
    }

    /// Whether the unit may have ended a worker before.
    pub(in crate::core) fn suspect(&self, index: usize) -> bool {
        self.failures.contains_key(&(index, Class::Crash))
    }

    /// Takes back that units were given up, and what is held against them and their groups. All at once: a unit may wait for another
    /// one. Units that wait for nothing but a worker now.
    pub(in crate::core) fn forgive(&mut self) -> Vec<usize> {
        let reasons = std::mem::take(&mut self.reasons);
        for index in reasons.keys() {
            let group = self.group(*index);
            (self.groups[group].bad, self.groups[group].stopped) = (0, None);
            self.list[*index].state = State::Waiting;
            self.open += 1;
            self.news.push(*index);
        }
        self.failures.retain(|(index, _), _| !reasons.contains_key(index));
        reasons.into_keys().filter(|index| !self.waits_for_others(*index)).collect()
    }

    /// Takes what is new of units that were given up, and of units that are tried again after all.
    pub(in crate::core) fn news(&mut self) -> impl Iterator<Item = Action> + use<'_> {
        let list = &self.list;
        self.news.drain(..).map(|index| match list[index].state {
            State::GivenUp => Action::GiveUp(list[index].id.clone()),
            _ => Action::TryAgain(list[index].id.clone()),
        })
    }

    /// Number of failures that count against the unit.
    #[cfg(test)]
    pub(in crate::core) fn failures_of(&self, index: usize) -> u32 {
        self.failures.iter().filter(|((unit, _), _)| *unit == index).map(|(_, count)| count).sum()
    }

    pub(super) fn give_up(&mut self, index: usize, text: String) {
        tracing::warn!(unit = %self.list[index].id, reason = text, "unit given up");
        self.end(index, text);
    }

    /// Gives up the unit, and all units that wait for it.
    pub(super) fn end(&mut self, index: usize, text: String) {
        self.list[index].state = State::GivenUp;
        self.reasons.insert(index, text);
        self.open -= 1;
        self.news.push(index);
        // They will never have what they wait for.
        for follower in self.waits.followers(index).collect::<Vec<_>>() {
            if self.list[follower].state == State::Waiting {
                self.end(follower, self.list[follower].bereft.to_owned());
            }
        }
    }
}
