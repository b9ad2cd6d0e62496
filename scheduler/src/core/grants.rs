//! Grants: the worker that gets a unit, and the time that the unit may take.

use std::time::Duration;

use protocol::message::ToWorker;

use super::{Action, Core, Now};

/// Factor and margin by which a unit may exceed its forecast: on cores that many processes use, each has a small share, and
/// a hung unit is found all the same.
const SLOWER: f32 = 30.0;
const MARGIN: Duration = Duration::from_mins(2);
/// Time that a worker may take besides for the first unit of a file, as the worker reads all of the file once.
const OPENING: Duration = Duration::from_mins(10);

impl Core {
    /// Grants waiting units. A worker holds a second unit, to read ahead, only while all workers can be served.
    pub(super) fn grant(&mut self, now: Now, actions: &mut Vec<Action>) {
        // What expected workers hold must not go to others.
        if self.ending.is_some() || self.output_folder.paused() || self.slots.expecting() {
            return;
        }
        while let Some((slot, worker)) = self.slots.hungry(self.queue.len() >= self.slots.len()) {
            let home = self.slots.home(slot);
            let Some(index) = self.queue.pop(home, self.slots.len()) else { break };
            if !self.has_time(slot, index, now) {
                self.queue.take_back(index, home);
                if self.slots.held(slot).is_empty() {
                    self.dismiss_in_order(slot, worker, "its job ends before another unit is done", actions);
                } else {
                    // What it holds it has the time for.
                    self.slots.sate(slot);
                }
                continue;
            }
            let attempt = self.units.grant(index, slot);
            self.hold(slot, index, now);
            actions.push(Action::Grant { worker, task: index, attempt });
        }
        self.withdraw(actions);
    }

    /// Asks back units that wait behind others while devices have nothing to do; units with the longest wait come first.
    /// A unit stays with its worker until the worker says that it has returned the unit: nobody has to guess which unit
    /// is begun.
    fn withdraw(&mut self, actions: &mut Vec<Action>) {
        let mut spare = if self.queue.len() == 0 { self.slots.spare() } else { 0 };
        while spare > 0 {
            let longest = |a: &(usize, usize, usize), b: &(usize, usize, usize)| {
                self.queue.cost(a.1).total_cmp(&self.queue.cost(b.1))
            };
            let Some((slot, _, unit)) = self.slots.ahead().max_by(longest) else { return };
            self.slots.ask(slot, unit);
            if let Some(worker) = self.slots.worker(slot) {
                let (unit, attempt) = self.units.attempt(unit);
                actions.push(Action::Send(worker, ToWorker::Withdraw { unit, attempt }));
            }
            spare -= 1;
        }
    }

    pub(super) fn hold(&mut self, slot: usize, unit: usize, now: Now) {
        self.slots.hold(slot, unit, self.queue.home(unit));
        if self.slots.held(slot).len() == 1 {
            self.start_clock(slot, now);
        }
    }

    pub(super) fn release(&mut self, slot: usize, unit: usize, now: Now) {
        self.slots.release(slot, unit);
        self.start_clock(slot, now);
    }

    /// Whether the worker of `slot` has the time for `unit`, behind the units that it holds, before it leaves. A unit of which nothing
    /// is known takes no time.
    fn has_time(&self, slot: usize, unit: usize, now: Now) -> bool {
        let Some(left) = self.slots.time_left(slot, now) else { return true };
        let expected = |unit: &usize| self.seconds(slot, *unit).or_else(|| self.units.paced(*unit)).unwrap_or(0.0);
        let held = self.slots.held(slot);
        // A unit that takes longer than it should has no time to come.
        let under_way = held.first().map(|first| (expected(first) - self.slots.since(slot, *first, now)).max(0.0));
        let behind: f32 = held.iter().skip(1).chain([&unit]).map(expected).sum();
        under_way.unwrap_or(0.0) + behind <= left.as_secs_f32()
    }

    /// Seconds that `unit` is forecast to take in `slot`; `None` where devices of this kind were not measured.
    fn seconds(&self, slot: usize, unit: usize) -> Option<f32> {
        let relative = self.relative_times.get(self.units.group(unit)).map_or(Some(1.0), |slots| slots[slot]);
        self.units.forecast(unit).zip(relative).map(|(mean, relative)| mean * relative)
    }

    /// Sets the deadline of the first unit of `slot`, which is under way from now on.
    pub(super) fn start_clock(&mut self, slot: usize, now: Now) {
        let Some(unit) = self.slots.held(slot).first().copied() else { return };
        self.slots.begin(slot, unit, now);
        let unit = &unit;
        let forecast = self.seconds(slot, *unit).and_then(|seconds| Duration::try_from_secs_f32(SLOWER * seconds).ok());
        let opening = if self.slots.warm(slot, self.queue.home(*unit)) { Duration::ZERO } else { OPENING };
        let allowed = forecast.map_or(Duration::MAX, |forecast| forecast.saturating_add(MARGIN + opening));
        self.slots.set_deadline(slot, now.saturating_add(allowed.min(self.policy.unit_timeout)));
    }
}
