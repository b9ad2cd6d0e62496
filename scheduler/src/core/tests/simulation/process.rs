//! A worker process as the scheduler knows it from outside.

use std::collections::{HashSet, VecDeque};

use super::super::*;
use super::world::Happening;

/// Worker process, dead or alive.
#[expect(clippy::struct_excessive_bools, reason = "each of them may befall it in any state")]
pub(super) struct Process {
    pub(super) slot: usize,
    /// The scheduler run that started it: no other one sees how it ends.
    pub(super) parent: u32,
    pub(super) alive: bool,
    pub(super) frozen: bool,
    /// Whether the process waits inside the system: killed, it ends only once the wait is over.
    pub(super) stuck: bool,
    pub(super) killed: bool,
    /// Happenings that came while the process was frozen.
    pub(super) deferred: Vec<Happening>,
    pub(super) line: Option<WorkerId>,
    pub(super) called: bool,
    /// Whether the worker has to leave, and has said so.
    pub(super) leaving: bool,
    pub(super) heard: Now,
    /// Granted units, the one under way first.
    pub(super) todo: VecDeque<(Unit, u32)>,
    seen: HashSet<(UnitId, u32)>,
    pub(super) under_way: Option<u64>,
    /// Results that the scheduler has not noted.
    pub(super) unnoted: Vec<FromWorker>,
    /// Time at which the last message in each direction arrives: connections keep the order.
    pub(super) arrivals: [Now; 2],
}

impl Process {
    pub(super) fn new(slot: usize, parent: u32, now: Now) -> Self {
        Self {
            slot,
            parent,
            alive: true,
            frozen: false,
            stuck: false,
            killed: false,
            deferred: Vec::new(),
            line: None,
            called: false,
            leaving: false,
            heard: now,
            todo: VecDeque::new(),
            seen: HashSet::new(),
            under_way: None,
            unnoted: Vec::new(),
            arrivals: [now; 2],
        }
    }

    /// Units that the worker says it holds when it calls again.
    pub(super) fn holds(&self) -> Vec<(UnitId, u32)> {
        let results = self.unnoted.iter().map(|message| match message {
            FromWorker::Done { unit, attempt, .. }
            | FromWorker::Failed { unit, attempt, .. }
            | FromWorker::Returned { unit, attempt } => (unit.clone(), *attempt),
            FromWorker::Hello { .. } | FromWorker::Sees(_) | FromWorker::Alive | FromWorker::Leaving => {
                panic!("{message:?} is no result")
            }
        });
        results.chain(self.todo.iter().map(|(unit, attempt)| (unit.id(), *attempt))).collect()
    }

    pub(super) fn works_on(&self, id: &UnitId) -> bool {
        self.alive && !self.is_helpless() && self.todo.iter().any(|(unit, _)| unit.id() == *id)
    }

    /// Whether it was killed, and can neither do anything nor end.
    pub(super) fn is_helpless(&self) -> bool {
        self.stuck && self.killed
    }

    /// A grant arrives, maybe for the second time.
    pub(super) fn take(&mut self, unit: Unit, attempt: u32) {
        if self.seen.insert((unit.id(), attempt)) {
            self.todo.push_back((unit, attempt));
        }
    }

    /// Gives back what is not begun, all of it or just this; what is to be said.
    pub(super) fn give_back(&mut self, only: Option<(&UnitId, u32)>) -> Vec<FromWorker> {
        let begun = usize::from(self.under_way.is_some());
        let asked = |unit: &Unit, attempt: u32| only.is_none_or(|only| only == (&unit.id(), attempt));
        let mut returned = Vec::new();
        for (unit, attempt) in self.todo.split_off(begun.min(self.todo.len())) {
            if asked(&unit, attempt) {
                returned.push(FromWorker::Returned { unit: unit.id(), attempt });
            } else {
                self.todo.push_back((unit, attempt));
            }
        }
        self.unnoted.extend(returned.iter().cloned());
        returned
    }

    pub(super) fn noted(&mut self, id: &UnitId, number: u32) {
        self.unnoted.retain(|message| match message {
            FromWorker::Done { unit, attempt, .. }
            | FromWorker::Failed { unit, attempt, .. }
            | FromWorker::Returned { unit, attempt } => (unit, *attempt) != (id, number),
            FromWorker::Hello { .. } | FromWorker::Sees(_) | FromWorker::Alive | FromWorker::Leaving => true,
        });
    }
}
