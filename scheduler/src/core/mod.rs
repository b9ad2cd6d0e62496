//! The thinking of the scheduler: events in, actions out, a clock passed in.
//!
//! Nothing here waits, reads a clock or touches a process; `run` carries events and actions. So
//! every decision can be tested by feeding events, in any order and at any time.
//!
//! A unit is granted to one worker at a time, with an attempt number; a result of another worker or
//! an older attempt is refused. A worker that is silent past its lease is ended by its launcher and
//! ends itself; its units wait again only once its process is gone, so that no device has two.

mod queue;
mod slots;
#[cfg(test)]
mod tests;
mod units;

use std::time::Duration;

use fleet::{Ended, WorkerId};
use sweep::message::{Failure, FromWorker, Report, ToWorker};
use sweep::unit::{Part, Unit, UnitId};

use queue::Queue;
use slots::Slots;
use units::{Loss, Units};

/// Time since the scheduler started.
pub(crate) type Now = Duration;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    Connected { worker: WorkerId, slot: usize },
    Message { worker: WorkerId, message: FromWorker },
    Disconnected { worker: WorkerId },
    Exited { slot: usize, how: Ended },
    LaunchFailed { slot: usize, reason: String },
    Tick,
    Interrupt,
}

/// What is to be done about it.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Launch(usize),
    Send(WorkerId, ToWorker),
    Kill(usize),
    /// A unit is done, of this many maps, which took this.
    Count(u64, Report),
    /// Every part of the group is in its store.
    Close(usize),
    /// Everything has ended.
    End(Outcome),
}

/// How the sweep ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Every unit is done.
    Complete,
    /// These units were given up, with the reason of each.
    Incomplete(Vec<(UnitId, String)>),
    /// The output folder cannot be written.
    Storage(String),
    /// No device is left that starts a worker.
    NoWorkers(String),
    /// Told to stop.
    Interrupted,
}

/// How the core answers failures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often a unit that failed is tried again.
    pub(crate) max_retries: u32,
    /// Silence after which a worker is lost.
    pub(crate) lease: Duration,
    /// Longest time that a unit may take.
    pub(crate) unit_timeout: Duration,
}

/// Time that workers have to leave when told to stop. Whatever they hold is done again.
const GRACE: Duration = Duration::from_secs(10);

/// The state of a sweep.
#[derive(Debug)]
pub(crate) struct Core {
    policy: Policy,
    units: Units,
    queue: Queue,
    slots: Slots,
    /// Why no more units are granted, and since when.
    ending: Option<(Outcome, Now)>,
    ended: bool,
}

impl Core {
    /// A sweep of `units` of `groups` groups on `slots` devices. Groups without a unit are closed at once.
    pub(crate) fn new(units: Vec<(usize, Unit)>, groups: Vec<Option<Unit>>, slots: usize, policy: Policy) -> Self {
        let units = Units::new(units, groups, policy.max_retries);
        let queue = Queue::new(units.shards());
        Self { policy, units, queue, slots: Slots::new(slots), ending: None, ended: false }
    }

    /// The first actions.
    pub(crate) fn start(&mut self, now: Now) -> Vec<Action> {
        for unit in self.units.ready_means() {
            self.queue.push(unit);
        }
        let mut actions = Vec::new();
        if self.units.all_ended() {
            self.conclude(now, &mut actions);
        } else {
            self.launch_wanted(now, &mut actions);
        }
        actions
    }

    /// What follows from `event`.
    pub(crate) fn on_event(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Connected { worker, slot } => self.on_connected(now, worker, slot, &mut actions),
            Event::Message { worker, message } => self.on_message(now, worker, message, &mut actions),
            Event::Disconnected { worker } => {
                if let Some(slot) = self.slots.leave(worker) {
                    actions.push(Action::Kill(slot));
                }
            }
            Event::Exited { slot, how } => self.on_exited(now, slot, how, &mut actions),
            Event::LaunchFailed { slot, reason } => {
                self.slots.launch_failed(slot, reason);
                self.launch_wanted(now, &mut actions);
            }
            Event::Tick => self.on_tick(now, &mut actions),
            Event::Interrupt => self.on_interrupt(now, &mut actions),
        }
        self.grant(now, &mut actions);
        self.conclude(now, &mut actions);
        actions
    }

    fn on_connected(&mut self, now: Now, worker: WorkerId, slot: usize, actions: &mut Vec<Action>) {
        // A second caller for a slot that is served, or one that comes too late, is not needed.
        if self.ending.is_some() || !self.slots.connect(slot, worker, now) {
            actions.push(Action::Send(worker, ToWorker::Stop));
        }
    }

    fn on_message(&mut self, now: Now, worker: WorkerId, message: FromWorker, actions: &mut Vec<Action>) {
        let Some(slot) = self.slots.heard(worker, now) else { return };
        match message {
            FromWorker::Hello { .. } | FromWorker::Alive => {}
            FromWorker::Done { unit, attempt, report } => {
                let Some(index) = self.units.finish(&unit, worker, attempt) else { return };
                self.slots.proven(slot, now);
                self.slots.release(slot, index, now);
                actions.push(Action::Count(self.units.maps(index), report));
                self.after_done(index, actions);
            }
            FromWorker::Failed { unit, attempt, class, text } => {
                let Some(index) = self.units.granted(&unit, worker, attempt) else { return };
                self.slots.release(slot, index, now);
                tracing::warn!(%unit, attempt, ?class, error = text, "unit failed");
                if class == Failure::Storage {
                    self.units.put_back(index);
                    self.queue.push(index);
                    self.end(now, Outcome::Storage(text), actions);
                } else if self.units.failed(index, class, text) {
                    self.queue.push(index);
                }
            }
        }
    }

    /// The means of a group follow its last shard, and its closing follows the means.
    fn after_done(&mut self, index: usize, actions: &mut Vec<Action>) {
        let group = self.units.group(index);
        match self.units.part(index) {
            Part::Means => actions.push(Action::Close(group)),
            Part::Shard(_) => {
                if let Some(means) = self.units.means_ready(group) {
                    self.queue.push(means);
                }
            }
        }
    }

    fn on_exited(&mut self, now: Now, slot: usize, how: Ended, actions: &mut Vec<Action>) {
        let (held, timed_out) = self.slots.exited(slot, how);
        // The first is the one that was computed; the others only waited behind it.
        for (position, index) in held.into_iter().enumerate() {
            let first = position == 0 && self.ending.is_none();
            let waits = match timed_out {
                true if first => self.units.failed(index, Failure::Engine, "took longer than task_timeout".to_owned()),
                false if first => self.units.lost(index, Loss::from(how)),
                _ => self.units.lost(index, Loss::Innocent),
            };
            if waits {
                self.queue.push(index);
            }
        }
        self.launch_wanted(now, actions);
    }

    /// Starts workers until there are as many as open units or devices, and ends the sweep if none can be.
    fn launch_wanted(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() || self.units.all_ended() {
            return;
        }
        while self.slots.running().count() < self.units.open() {
            let Some(slot) = self.slots.launch_next(now) else { break };
            actions.push(Action::Launch(slot));
        }
        if self.slots.running().next().is_none() {
            self.end(now, Outcome::NoWorkers(self.slots.last_words()), actions);
        }
    }

    fn on_tick(&mut self, now: Now, actions: &mut Vec<Action>) {
        for (slot, reason) in self.slots.overdue(now, &self.policy) {
            tracing::warn!(slot, reason, "worker is ended");
            actions.push(Action::Kill(slot));
        }
        if let Some((_, since)) = self.ending
            && now.saturating_sub(since) > GRACE
        {
            actions.extend(self.slots.running().map(Action::Kill));
        }
    }

    fn on_interrupt(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            // Asked twice: no more patience.
            actions.extend(self.slots.running().map(Action::Kill));
        }
        self.end(now, Outcome::Interrupted, actions);
    }

    /// Grants waiting units. A worker holds a second one, to read ahead, only while all can be served.
    fn grant(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            return;
        }
        for depth in 1..=2 {
            for (slot, worker) in self.slots.with_fewer_than(depth) {
                if depth == 2 && self.queue.len() < self.slots.len() {
                    return;
                }
                let Some(index) = self.queue.pop() else { return };
                let (unit, attempt) = self.units.grant(index, worker);
                self.slots.hold(slot, index, now);
                actions.push(Action::Send(worker, ToWorker::Grant { unit, attempt }));
            }
        }
    }

    /// Ends the sweep once every unit has ended, or once everybody has left.
    fn conclude(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_none() && self.units.all_ended() {
            let given_up = self.units.given_up();
            let outcome = if given_up.is_empty() { Outcome::Complete } else { Outcome::Incomplete(given_up) };
            self.end(now, outcome, actions);
        }
        if let Some((outcome, _)) = &self.ending
            && !self.ended
            && self.slots.running().next().is_none()
        {
            self.ended = true;
            actions.push(Action::End(outcome.clone()));
        }
    }

    /// Grants nothing any more and tells all workers to leave. The first reason stands.
    fn end(&mut self, now: Now, outcome: Outcome, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some((outcome, now));
        for (slot, worker) in self.slots.all() {
            match worker {
                Some(worker) => actions.push(Action::Send(worker, ToWorker::Stop)),
                // It has not called yet: there is nobody to tell.
                None => actions.push(Action::Kill(slot)),
            }
        }
    }

    /// What must hold after every event.
    #[cfg(test)]
    fn assert_consistent(&self) {
        self.units.assert_consistent(&self.queue, &self.slots);
    }
}
