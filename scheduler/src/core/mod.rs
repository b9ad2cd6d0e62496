//! Core of the scheduler: takes events and a time, and answers with actions.
//!
//! The core never waits, reads no clock and touches no process; `run` carries events and actions. So every decision can be
//! tested by feeding events, in any order and at any time. Nor does the core read what a unit does: kinds of work and what
//! waits for what come from `plan`.
//!
//! A unit is granted to one worker at a time, with an attempt number; a result of another worker or an older attempt is
//! refused. A worker whose connection breaks has a lease of time to call again. A worker that is silent for longer than its
//! lease is ended by its launcher, and ends itself. Its units wait again only once its process is gone, so that no device
//! has two processes, or once the process is known to be stuck in the system, and its device with it.

mod ending;
mod event;
pub(crate) mod failure;
mod grants;
mod jobs;
mod on_worker;
mod output_folder;
mod queue;
mod slots;
#[cfg(test)]
mod tests;
mod units;

use sweep::unit::UnitId;

pub(crate) use event::{Action, Event, Now, Outcome, Policy, Task, Unwritable};
use failure::Class;
use output_folder::OutputFolder;
use queue::Queue;
use slots::Slots;
use units::Units;

/// Target of what a listener tells people in its own words: a terminal shows the line of the log no more.
pub(crate) const TOLD: &str = "scheduler::told";

/// State of a sweep.
#[derive(Debug)]
pub(crate) struct Core {
    policy: Policy,
    units: Units,
    queue: Queue,
    slots: Slots,
    output_folder: OutputFolder,
    /// Time that a unit of each group takes on each device, as a multiple of its forecast, where the time is known.
    relative_times: Vec<Vec<Option<f32>>>,
    /// Time of the last event.
    last: Now,
    /// Reason for which no more units are granted, and the time since when.
    ending: Option<(Outcome, Now)>,
    ended: bool,
}

impl Core {
    /// Makes a sweep of `tasks` on `slots` devices. `closes` says for each group whether its store is closed once its
    /// tasks are done.
    pub(crate) fn new(tasks: Vec<Task>, closes: &[bool], slots: usize, policy: Policy) -> Self {
        let queue = Queue::new(queue::places(&tasks));
        let units = Units::new(tasks, closes, policy.max_retries);
        let (slots, output_folder) = (Slots::new(slots), OutputFolder::default());
        let (relative_times, last) = (Vec::new(), Now::ZERO);
        Self { policy, units, queue, slots, output_folder, relative_times, last, ending: None, ended: false }
    }

    /// Sets the time that a unit of each group takes on each device, as a multiple of its forecast: devices are of
    /// several kinds.
    pub(crate) fn set_relative_times(&mut self, relative_times: Vec<Vec<Option<f32>>>) {
        self.relative_times = relative_times;
    }

    /// Remembers failures of a unit under an earlier scheduler, before the start.
    pub(crate) fn remember(&mut self, unit: &UnitId, class: &str, times: u32) {
        if let Some(class) = Class::named(class) {
            self.units.remember(unit, class, times);
        }
    }

    /// Starts the sweep; the first actions. `expected` are slots in which workers of an earlier scheduler may still
    /// live: these workers have a lease of time to call, and keep the units that they hold.
    pub(crate) fn start(&mut self, now: Now, expected: &[usize]) -> Vec<Action> {
        self.last = now;
        for unit in self.units.ready() {
            self.queue.push(unit, false);
        }
        for slot in expected {
            self.slots.expect(*slot, now);
        }
        let mut actions = Vec::new();
        self.conclude(now, &mut actions);
        self.launch_wanted(now, &mut actions);
        actions
    }

    /// Actions that follow from `event`.
    pub(crate) fn on_event(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.notice_gap(now);
        match event {
            Event::Connected { worker, slot, holds } => self.on_connected(now, (worker, slot), holds, &mut actions),
            Event::Message { worker, message } => self.on_message(now, worker, message, &mut actions),
            Event::Disconnected { worker } => self.slots.disconnected(worker, now),
            Event::Queued { slot } => self.on_queued(slot),
            Event::Ends { slot, after } => self.slots.set_end(slot, now.saturating_add(after)),
            Event::Began { slot } => self.slots.began(slot, now),
            Event::Exited { slot, how } => self.on_exited(now, slot, how, &mut actions),
            Event::Health { slot, condition } => {
                if self.slots.seen(slot, condition, now) {
                    self.kill(slot, now, &mut actions);
                }
                self.launch_wanted(now, &mut actions);
            }
            Event::LaunchFailed { slot, reason } => {
                self.on_launch_failed(slot, Some(reason), now);
                self.launch_wanted(now, &mut actions);
            }
            Event::Closed(group) => drop(self.output_folder.unclosed.remove(&group)),
            Event::Unwritable { what, reason } => self.on_unwritable(now, what, &reason),
            Event::Tried(result) => self.on_tried(now, result, &mut actions),
            Event::Retry => self.on_retry(now, &mut actions),
            Event::Tick => self.on_tick(now, &mut actions),
            Event::Interrupt => self.on_interrupt(now, &mut actions),
        }
        self.grant(now, &mut actions);
        actions.extend(self.units.news());
        self.conclude(now, &mut actions);
        actions
    }

    /// Extends all leases after the scheduler itself stood still, because it was stopped or waited for a disk: no worker
    /// was silent in that time.
    fn notice_gap(&mut self, now: Now) {
        let gap = now.saturating_sub(self.last);
        self.last = now;
        if gap > self.policy.lease / 2 {
            tracing::warn!("the scheduler stood still for {} s; leases run on from here", gap.as_secs());
            self.slots.stood_still(gap);
        }
    }

    /// Starts workers until there are as many as open units or devices, and ends the sweep if none can be.
    fn launch_wanted(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() || self.output_folder.paused() || self.units.all_ended() {
            return;
        }
        let mut running = self.slots.running().count();
        while running < self.units.open() {
            let Some(slot) = self.slots.launch_next(now) else { break };
            actions.push(Action::Launch(slot));
            running += 1;
        }
        if running == 0 && self.slots.hopeless(now) {
            self.end(now, Outcome::NoWorkers(self.slots.last_words()), actions);
        }
    }

    fn on_tick(&mut self, now: Now, actions: &mut Vec<Action>) {
        for (slot, class, reason) in self.slots.overdue(now, self.policy.lease) {
            tracing::warn!(slot, "worker is ended: {reason}");
            self.slots.dismiss(slot, class, reason);
            self.kill(slot, now, actions);
        }
        while let Some(slot) = self.slots.unburied(now, self.policy.lease) {
            let left = self.slots.leave_behind(slot, now);
            self.inherit(now, slot, left, actions);
            actions.push(Action::LeaveBehind(slot));
        }
        if self.ending.is_none() && self.output_folder.due(now) {
            actions.push(Action::Try);
        }
        self.slots.look(now);
        // The pause of a device may be over.
        self.launch_wanted(now, actions);
        self.let_go(now, actions);
        self.lose_patience(now, actions);
    }

    /// Puts units that were given up into the queue again, unless the sweep is ending.
    fn on_retry(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.ending.is_some() {
            return;
        }
        for unit in self.units.forgive() {
            self.queue.push(unit, false);
        }
        self.launch_wanted(now, actions);
    }

    /// Checks the invariants that hold after every event.
    #[cfg(test)]
    fn assert_consistent(&self) {
        self.units.assert_consistent(&self.queue, &self.slots);
        let grants = self.ending.is_none() && !self.output_folder.paused() && !self.slots.expecting();
        if grants && self.queue.len() == 0 && self.slots.spare() > 0 {
            assert_eq!(self.slots.ahead().next(), None, "a device idles while a unit waits behind another one");
        }
    }
}
