//! The state of every unit, and what failures it has behind it.

use std::collections::HashMap;

use fleet::{Ended, WorkerId};
use sweep::message::{DEVICE_LOST, Failure, LEASE_LOST};
use sweep::unit::{Part, Unit, UnitId};

/// Crashes that a unit may cause before it is given up: a segmentation fault comes again.
const MAX_CRASHES: u32 = 3;
/// Times that a unit may be under way when its worker is killed from outside. That is nobody's
/// fault, but the kernel's memory killer looks the same, and must not loop for ever.
const MAX_KILLS: u32 = 30;

/// Every unit of a sweep: shards first, in the order of the config, then the means of each group.
#[derive(Debug)]
pub(super) struct Units {
    list: Vec<Entry>,
    by_id: HashMap<UnitId, usize>,
    /// For each group its shards that are not done, and its unit of means.
    groups: Vec<(usize, Option<usize>)>,
    shards: usize,
    /// Units that are neither done nor given up.
    open: usize,
    max_retries: u32,
}

#[derive(Debug)]
struct Entry {
    unit: Unit,
    group: usize,
    state: State,
    attempts: u32,
    failures: u32,
    crashes: u32,
    kills: u32,
}

#[derive(Debug, PartialEq)]
enum State {
    /// In the queue; means wait for their shards first.
    Waiting,
    Granted(WorkerId),
    Done,
    GivenUp(String),
}

/// How a worker that held a unit was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The unit only waited, or the worker was told to leave.
    Innocent,
    /// Ended from outside, or by its lease.
    Killed,
    /// It ended by itself.
    Crashed(Ended),
}

impl From<Ended> for Loss {
    fn from(how: Ended) -> Self {
        match how {
            Ended::Signal(SIGKILL | SIGTERM) | Ended::Code(LEASE_LOST) => Self::Killed,
            // The unit at which that showed was reported as failed.
            Ended::Code(DEVICE_LOST) => Self::Innocent,
            other => Self::Crashed(other),
        }
    }
}

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

impl Units {
    /// `shards` with the group of each; for each group that is not closed, its unit of means.
    pub(super) fn new(shards: Vec<(usize, Unit)>, means: Vec<Option<Unit>>, max_retries: u32) -> Self {
        let count = shards.len();
        let mut groups: Vec<(usize, Option<usize>)> = vec![(0, None); means.len()];
        let mut list = Vec::new();
        let entry =
            |group, unit| Entry { unit, group, state: State::Waiting, attempts: 0, failures: 0, crashes: 0, kills: 0 };
        for (group, unit) in shards {
            groups[group].0 += 1;
            list.push(entry(group, unit));
        }
        for (group, unit) in means.into_iter().enumerate() {
            if let Some(unit) = unit {
                groups[group].1 = Some(list.len());
                list.push(entry(group, unit));
            }
        }
        let by_id = list.iter().enumerate().map(|(index, entry)| (entry.unit.id(), index)).collect();
        Self { open: list.len(), list, by_id, groups, shards: count, max_retries }
    }

    /// Number of shards: what waits from the start.
    pub(super) fn shards(&self) -> usize {
        self.shards
    }

    /// Units that are neither done nor given up.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Means of groups whose shards are all there already.
    pub(super) fn ready_means(&self) -> Vec<usize> {
        self.groups.iter().filter(|(left, _)| *left == 0).filter_map(|(_, means)| *means).collect()
    }

    /// The means of `group`, if its last shard has just been done.
    pub(super) fn means_ready(&self, group: usize) -> Option<usize> {
        let (left, means) = self.groups[group];
        if left == 0 { means } else { None }
    }

    pub(super) fn part(&self, index: usize) -> Part {
        self.list[index].unit.part
    }

    pub(super) fn group(&self, index: usize) -> usize {
        self.list[index].group
    }

    /// Maps that the unit stands for.
    pub(super) fn maps(&self, index: usize) -> u64 {
        self.list[index].unit.maps()
    }

    /// Grants the unit anew.
    pub(super) fn grant(&mut self, index: usize, worker: WorkerId) -> (Unit, u32) {
        let entry = &mut self.list[index];
        entry.state = State::Granted(worker);
        entry.attempts += 1;
        (entry.unit.clone(), entry.attempts)
    }

    /// The unit, if it is `worker`'s in just this attempt.
    pub(super) fn granted(&self, id: &UnitId, worker: WorkerId, attempt: u32) -> Option<usize> {
        let index = *self.by_id.get(id)?;
        let entry = &self.list[index];
        let current = entry.state == State::Granted(worker) && entry.attempts == attempt;
        if !current {
            tracing::warn!(unit = %id, attempt, worker = worker.0, "refused the result of an old attempt");
        }
        current.then_some(index)
    }

    /// The unit is done, if this result of it counts.
    pub(super) fn finish(&mut self, id: &UnitId, worker: WorkerId, attempt: u32) -> Option<usize> {
        let index = self.granted(id, worker, attempt)?;
        self.list[index].state = State::Done;
        self.open -= 1;
        if matches!(self.part(index), Part::Shard(_)) {
            self.groups[self.list[index].group].0 -= 1;
        }
        Some(index)
    }

    /// The unit failed; whether it waits again.
    pub(super) fn failed(&mut self, index: usize, class: Failure, text: String) -> bool {
        let entry = &mut self.list[index];
        entry.failures += 1;
        let hopeless = matches!(class, Failure::Input | Failure::Number);
        if hopeless || entry.failures > self.max_retries {
            self.give_up(index, text);
            return false;
        }
        entry.state = State::Waiting;
        true
    }

    /// The unit waits again, without blame.
    pub(super) fn put_back(&mut self, index: usize) {
        self.list[index].state = State::Waiting;
    }

    /// The worker that held the unit is gone; whether the unit waits again.
    pub(super) fn lost(&mut self, index: usize, loss: Loss) -> bool {
        let entry = &mut self.list[index];
        match loss {
            Loss::Innocent => {}
            Loss::Killed => entry.kills += 1,
            Loss::Crashed(_) => entry.crashes += 1,
        }
        if entry.crashes >= MAX_CRASHES || entry.kills >= MAX_KILLS {
            let text = format!("its worker was lost {} times, at last: {loss:?}", entry.crashes + entry.kills);
            self.give_up(index, text);
            return false;
        }
        entry.state = State::Waiting;
        true
    }

    /// Whether nothing is left to do. Means whose shards were given up are not to be done.
    pub(super) fn all_ended(&self) -> bool {
        self.open == 0
    }

    /// Every unit that was given up, with its reason.
    pub(super) fn given_up(&self) -> Vec<(UnitId, String)> {
        let reason = |entry: &Entry| match &entry.state {
            State::GivenUp(text) => Some((entry.unit.id(), text.clone())),
            _ => None,
        };
        self.list.iter().filter_map(reason).collect()
    }

    fn give_up(&mut self, index: usize, text: String) {
        self.list[index].state = State::GivenUp(text);
        self.open -= 1;
        let group = self.list[index].group;
        // Without one of its shards a group has no means.
        if let Some(means) = self.groups[group].1.filter(|means| *means != index)
            && self.list[means].state == State::Waiting
        {
            self.list[means].state = State::GivenUp("a shard of its group was given up".to_owned());
            self.open -= 1;
        }
    }

    /// A unit that is granted is held by one slot, one that waits by none; means wait for their shards.
    #[cfg(test)]
    pub(super) fn assert_consistent(&self, queue: &super::Queue, slots: &super::Slots) {
        let mut open = 0;
        for (index, entry) in self.list.iter().enumerate() {
            let holders = slots.holders(index);
            let waits_for_shards = entry.unit.part == Part::Means && self.groups[entry.group].0 > 0;
            match &entry.state {
                State::Waiting => {
                    assert_eq!(holders.len(), 0, "{index} waits and is held");
                    assert_eq!(queue.contains(index), !waits_for_shards, "{index} waits, but where?");
                }
                State::Granted(_) => {
                    assert_eq!(holders.len(), 1, "{index} is granted to {holders:?}");
                    assert!(!queue.contains(index));
                }
                State::Done | State::GivenUp(_) => {
                    assert_eq!(holders.len(), 0, "{index} has ended and is held");
                    assert!(!queue.contains(index), "{index} has ended and waits");
                }
            }
            open += usize::from(matches!(entry.state, State::Waiting | State::Granted(_)));
            assert!(entry.failures <= self.max_retries + 1 && entry.crashes <= MAX_CRASHES && entry.kills <= MAX_KILLS);
        }
        assert_eq!(open, self.open);
    }
}
