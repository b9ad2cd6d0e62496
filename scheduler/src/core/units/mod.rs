//! The state of every unit, and what failures it has behind it.

mod blame;
mod claim;
#[cfg(test)]
mod consistency;
mod stop;

use std::collections::{BTreeMap, HashMap};

use sweep::unit::{Part, Piece, Unit, UnitId};

pub(super) use claim::Claim;

use super::Task;
use super::failure::Class;

/// Every unit of a sweep: shards first, in the order of the config, then the means of each group.
#[derive(Debug)]
pub(super) struct Units {
    list: Vec<Entry>,
    groups: Vec<Group>,
    by_name: HashMap<String, usize>,
    /// Failures by unit and class: few units have any.
    failures: HashMap<(usize, Class), u32>,
    /// Why units were given up.
    reasons: BTreeMap<usize, String>,
    /// Units that are neither done nor given up.
    open: usize,
    retries: u32,
}

#[derive(Debug)]
struct Entry {
    unit: Unit,
    group: u32,
    attempts: u32,
    forecast: Option<f32>,
    state: State,
}

#[derive(Debug, Default)]
struct Group {
    /// Shards, or pieces of them, that are not done.
    left: usize,
    means: Option<usize>,
    /// Its shards with their units, in rising order.
    shards: Vec<(u64, u32)>,
    /// Units in a row that found its input bad.
    bad: u32,
    /// Why it was given up, if it was.
    stopped: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// In the queue; means wait for their shards first.
    Waiting,
    /// A slot's, in the attempt that is counted last.
    Granted(u32),
    Done,
    GivenUp,
}

impl Units {
    /// `shards`; for each group that is not closed, its unit of means.
    pub(super) fn new(shards: Vec<Task>, means: Vec<Option<Unit>>, retries: u32) -> Self {
        let mut groups: Vec<Group> = means.iter().map(|_| Group::default()).collect();
        let (mut by_name, mut list) = (HashMap::new(), Vec::with_capacity(shards.len() + means.len()));
        let mut add = |group: usize, unit: Unit, forecast: Option<f64>| {
            if groups[group].shards.is_empty() && groups[group].means.is_none() {
                by_name.insert(unit.group.name(), group);
            }
            match unit.part {
                Part::Means => groups[group].means = Some(list.len()),
                Part::Shard(shard) => groups[group].shards.push((shard, list.len() as u32)),
            }
            let forecast = forecast.map(|seconds| seconds as f32);
            list.push(Entry { unit, group: group as u32, attempts: 0, forecast, state: State::Waiting });
        };
        for task in shards {
            add(task.group, task.unit, task.forecast);
        }
        for (group, unit) in means.into_iter().enumerate() {
            if let Some(unit) = unit {
                add(group, unit, None);
            }
        }
        for group in &mut groups {
            group.shards.sort_unstable();
            group.left = group.shards.len();
        }
        let (failures, reasons) = (HashMap::new(), BTreeMap::new());
        Self { open: list.len(), list, groups, by_name, failures, reasons, retries }
    }

    /// Units that wait from the start: all shards, and means of groups whose shards are all there already.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> {
        (0..self.list.len()).filter(|index| !self.waits_for_others(*index))
    }

    /// Whether other units must be done before this one: for means all shards, for maps the predictions that they explain.
    pub(super) fn waits_for_others(&self, index: usize) -> bool {
        let unit = &self.list[index].unit;
        match (unit.part, &unit.piece) {
            (Part::Means, _) => self.groups[self.group(index)].left > 0,
            (Part::Shard(shard), Some(Piece::Pass | Piece::Variant(_))) => {
                let predictions = self.pieces(self.group(index), shard).find(|piece| self.predicts(*piece));
                predictions.is_some_and(|piece| self.list[piece].state != State::Done)
            }
            (Part::Shard(_), None | Some(Piece::Predictions)) => false,
        }
    }

    /// Units that wait for `index`, which is done, and for nothing else any more.
    pub(super) fn freed_by(&self, index: usize) -> Vec<usize> {
        let group = self.group(index);
        let means = self.groups[group].means.filter(|means| *means != index);
        let followers = self.followers(index).into_iter().chain(means);
        followers.filter(|unit| self.list[*unit].state == State::Waiting && !self.waits_for_others(*unit)).collect()
    }

    /// Pieces with maps of the predictions that `index` is.
    fn followers(&self, index: usize) -> Vec<usize> {
        match self.part(index) {
            Part::Shard(shard) if self.predicts(index) => {
                self.pieces(self.group(index), shard).filter(|piece| *piece != index).collect()
            }
            _ => Vec::new(),
        }
    }

    fn predicts(&self, index: usize) -> bool {
        self.list[index].unit.piece == Some(Piece::Predictions)
    }

    /// The units of `shard` of a group: one, if it is not split.
    fn pieces(&self, group: usize, shard: u64) -> impl Iterator<Item = usize> {
        let shards = &self.groups[group].shards;
        let first = shards.partition_point(|(earlier, _)| *earlier < shard);
        shards[first..].iter().take_while(move |(of, _)| *of == shard).map(|(_, unit)| *unit as usize)
    }

    /// Units that are neither done nor given up.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn part(&self, index: usize) -> Part {
        self.list[index].unit.part
    }

    pub(super) fn group(&self, index: usize) -> usize {
        self.list[index].group as usize
    }

    /// Maps that the unit stands for.
    pub(super) fn maps(&self, index: usize) -> u64 {
        self.list[index].unit.maps()
    }

    /// Seconds that the unit is forecast to take.
    pub(super) fn forecast(&self, index: usize) -> Option<f32> {
        self.list[index].forecast
    }

    /// Every unit in the order of its index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Unit, Option<f32>)> {
        self.list.iter().map(|entry| (&entry.unit, entry.forecast))
    }

    /// Grants the unit anew.
    pub(super) fn grant(&mut self, index: usize, slot: usize) -> (Unit, u32) {
        let entry = &mut self.list[index];
        entry.state = State::Granted(slot as u32);
        entry.attempts += 1;
        (entry.unit.clone(), entry.attempts)
    }

    /// The name of the unit and the attempt that it is in.
    pub(super) fn attempt(&self, index: usize) -> (UnitId, u32) {
        (self.list[index].unit.id(), self.list[index].attempts)
    }

    /// The unit, if it is that of `slot` in just this attempt.
    pub(super) fn granted(&self, id: &UnitId, slot: usize, attempt: u32) -> Option<usize> {
        let index = self.find(id)?;
        let entry = &self.list[index];
        let current = entry.state == State::Granted(slot as u32) && entry.attempts == attempt;
        if !current {
            tracing::info!(unit = %id, attempt, slot, "refused the result of an old attempt");
        }
        current.then_some(index)
    }

    /// The unit is done, if this result of it counts.
    pub(super) fn finish(&mut self, id: &UnitId, slot: usize, attempt: u32) -> Option<usize> {
        let index = self.granted(id, slot, attempt)?;
        self.list[index].state = State::Done;
        self.open -= 1;
        let of = self.group(index);
        self.groups[of].bad = 0;
        if matches!(self.part(index), Part::Shard(_)) {
            let group = self.group(index);
            self.groups[group].left -= 1;
        }
        Some(index)
    }

    /// The unit waits again, without blame.
    pub(super) fn put_back(&mut self, index: usize) {
        self.list[index].state = State::Waiting;
    }

    /// Whether nothing is left to do. Means whose shards were given up are not to be done.
    pub(super) fn all_ended(&self) -> bool {
        self.open == 0
    }

    /// Every unit that was given up, with its reason.
    pub(super) fn given_up(&self) -> Vec<(UnitId, String)> {
        self.reasons.iter().map(|(index, text)| (self.list[*index].unit.id(), text.clone())).collect()
    }

    fn find(&self, id: &UnitId) -> Option<usize> {
        let (group, part) = id.0.rsplit_once('/')?;
        let index = *self.by_name.get(group)?;
        if part == "means" {
            return self.groups[index].means;
        }
        let shard = part.split_once(['.', ':']).map_or(part, |(shard, _)| shard).parse().ok()?;
        self.pieces(index, shard).find(|unit| self.list[*unit].unit.id() == *id)
    }
}
