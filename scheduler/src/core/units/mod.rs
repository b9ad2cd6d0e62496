//! Units of a sweep: the state of every unit, and the failures that it has behind it.

mod blame;
pub(super) mod claim;
#[cfg(test)]
mod consistency;
mod stop;
mod waits;

use std::collections::{BTreeMap, HashMap};

use sweep::unit::UnitId;

use super::event::Task;
use super::failure::Class;
use waits::Waits;

/// Units of a sweep, by the index of their task.
#[derive(Debug)]
pub(super) struct Units {
    list: Vec<Entry>,
    waits: Waits,
    groups: Vec<Group>,
    by_name: HashMap<String, usize>,
    /// Number of failures by unit and class: few units have any.
    failures: HashMap<(usize, Class), u32>,
    /// Reasons of units that were given up.
    reasons: BTreeMap<usize, String>,
    /// Units that were given up, or are tried again, since somebody asked.
    news: Vec<usize>,
    /// Number of units that are neither done nor given up.
    open: usize,
    retries: u32,
}

#[derive(Debug)]
struct Entry {
    id: UnitId,
    group: u32,
    attempts: u32,
    forecast: Option<f32>,
    maps: u64,
    bereft: &'static str,
    state: State,
}

#[derive(Debug, Default)]
struct Group {
    /// Whether the store of the group is to be closed once all of its units are done.
    closes: bool,
    /// Number of units of the group that are not done.
    left: usize,
    /// Units of the group in the order of their names.
    units: Vec<u32>,
    /// Number of units in a row that found the input of the group bad.
    bad: u32,
    /// Reason for which the group was given up, if it was.
    stopped: Option<String>,
    /// Seconds that the last unit of the group took for each of its maps.
    pace: Option<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The unit is in the queue, or behind other units that must be done first.
    Waiting,
    /// The unit is held by this slot, in the attempt that is counted last.
    Granted(u32),
    Done,
    GivenUp,
}

impl Units {
    /// Makes the units of `tasks`; `closes` says for each group whether its store is closed once all of its units are
    /// done.
    pub(super) fn new(tasks: Vec<Task>, closes: &[bool], retries: u32) -> Self {
        let waits = Waits::new(&tasks.iter().map(|task| task.after.as_slice()).collect::<Vec<_>>());
        let mut groups: Vec<Group> =
            closes.iter().map(|closes| Group { closes: *closes, ..Group::default() }).collect();
        let (mut by_name, mut list) = (HashMap::new(), Vec::with_capacity(tasks.len()));
        for Task { id, group, bereft, forecast, maps, .. } in tasks {
            let of = &mut groups[group];
            if of.units.is_empty() {
                by_name.insert(id.group().to_owned(), group);
            }
            of.left += 1;
            of.units.push(list.len() as u32);
            let (group, forecast) = (group as u32, forecast.map(|seconds| seconds as f32));
            list.push(Entry { id, group, attempts: 0, forecast, maps, bereft, state: State::Waiting });
        }
        for group in &mut groups {
            group.units.sort_unstable_by_key(|unit| list[*unit as usize].id.part());
        }
        let (failures, reasons) = (HashMap::new(), BTreeMap::new());
        let news = Vec::new();
        Self { open: list.len(), list, waits, groups, by_name, failures, reasons, news, retries }
    }

    /// Units that wait for nothing but a worker from the start.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> {
        (0..self.list.len()).filter(|index| !self.waits_for_others(*index))
    }

    /// Whether other units must be done before this one.
    pub(super) fn waits_for_others(&self, index: usize) -> bool {
        self.waits.is_blocked(index)
    }

    /// Units that wait for `index`, which is done, and for nothing else any more.
    pub(super) fn freed_by(&self, index: usize) -> impl Iterator<Item = usize> {
        let followers = self.waits.followers(index);
        followers.filter(|unit| self.list[*unit].state == State::Waiting && !self.waits_for_others(*unit))
    }

    /// Whether `group` is complete and its store is to be closed.
    pub(super) fn completes(&self, group: usize) -> bool {
        self.groups[group].closes && self.groups[group].left == 0
    }

    /// Number of units that are neither done nor given up.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn group(&self, index: usize) -> usize {
        self.list[index].group as usize
    }

    /// Size of the unit in attribution maps.
    pub(super) fn maps(&self, index: usize) -> u64 {
        self.list[index].maps
    }

    /// Seconds that the unit is forecast to take.
    pub(super) fn forecast(&self, index: usize) -> Option<f32> {
        self.list[index].forecast
    }

    /// Seconds that the unit takes at the pace of the last one of its group; `None` if nothing of the group is done.
    pub(super) fn paced(&self, index: usize) -> Option<f32> {
        self.groups[self.group(index)].pace.map(|pace| pace * self.maps(index) as f32)
    }

    /// Notes that the unit, which is done, took `seconds`.
    pub(super) fn took(&mut self, index: usize, seconds: f32) {
        let (group, maps) = (self.group(index), self.maps(index));
        if maps > 0 && seconds > 0.0 {
            self.groups[group].pace = Some(seconds / maps as f32);
        }
    }

    /// Grants the unit anew; the number of the attempt.
    pub(super) fn grant(&mut self, index: usize, slot: usize) -> u32 {
        let entry = &mut self.list[index];
        entry.state = State::Granted(slot as u32);
        entry.attempts += 1;
        entry.attempts
    }

    /// Name of the unit, and the number of its last attempt.
    pub(super) fn attempt(&self, index: usize) -> (UnitId, u32) {
        (self.list[index].id.clone(), self.list[index].attempts)
    }

    /// Finds the unit, if `slot` holds the unit in just this attempt.
    pub(super) fn granted(&self, id: &UnitId, slot: usize, attempt: u32) -> Option<usize> {
        let index = self.find(id)?;
        let entry = &self.list[index];
        let current = entry.state == State::Granted(slot as u32) && entry.attempts == attempt;
        if !current {
            tracing::info!(unit = %id, attempt, slot, "refused the result of an old attempt");
        }
        current.then_some(index)
    }

    /// Notes that the unit is done, if this result of the unit counts.
    pub(super) fn finish(&mut self, id: &UnitId, slot: usize, attempt: u32) -> Option<usize> {
        let index = self.granted(id, slot, attempt)?;
        self.list[index].state = State::Done;
        self.open -= 1;
        let of = self.group(index);
        self.groups[of].bad = 0;
        self.groups[of].left -= 1;
        self.waits.done(index);
        Some(index)
    }

    /// Notes that the unit waits again, without blame.
    pub(super) fn put_back(&mut self, index: usize) {
        self.list[index].state = State::Waiting;
    }

    /// Whether nothing is left to do. Units that wait for a unit that was given up are not done.
    pub(super) fn all_ended(&self) -> bool {
        self.open == 0
    }

    /// Units that were given up, with their reasons.
    pub(super) fn given_up(&self) -> Vec<(UnitId, String)> {
        self.reasons.iter().map(|(index, text)| (self.list[*index].id.clone(), text.clone())).collect()
    }

    fn find(&self, id: &UnitId) -> Option<usize> {
        let units = &self.groups[*self.by_name.get(id.group())?].units;
        let at = units.binary_search_by_key(&id.part(), |unit| self.list[*unit as usize].id.part()).ok()?;
        // Two texts may share their parts: `a` and `a/`.
        Some(units[at] as usize).filter(|unit| self.list[*unit].id == *id)
    }
}
