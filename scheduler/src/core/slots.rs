//! The devices: which has a worker, what it holds, and when it was last heard.

use fleet::{Ended, WorkerId};

use super::{Now, Policy};

/// Time that a process has to call. Loading libtorch from a cold network disk takes a minute.
const STARTING: Now = Now::from_mins(3);
/// Workers in a row that may end on one device without a single unit done.
const MAX_VAIN: u32 = 5;
/// As `MAX_VAIN`, for those that were killed from outside.
const MAX_VAIN_KILLED: u32 = 60;

/// All devices of a sweep.
#[derive(Debug)]
pub(super) struct Slots {
    list: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    state: State,
    /// Units that its worker holds, the one under way first.
    held: Vec<usize>,
    /// Since when the first of them is under way.
    since: Now,
    /// Workers that ended without a unit done: by themselves, and killed.
    vain: u32,
    vain_killed: u32,
    /// Whether its worker is being ended because its unit took too long.
    timed_out: bool,
    last: String,
}

#[derive(Debug, PartialEq)]
enum State {
    Empty,
    /// A process was started and has not called.
    Starting(Now),
    Serving {
        worker: WorkerId,
        heard: Now,
    },
    /// The line is broken or the lease over; its process is being ended.
    Leaving,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let slot = || Slot {
            state: State::Empty,
            held: Vec::new(),
            since: Now::ZERO,
            vain: 0,
            vain_killed: 0,
            timed_out: false,
            last: String::new(),
        };
        Self { list: (0..count).map(|_| slot()).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Marks the next free device as starting, those first on which least went wrong.
    pub(super) fn launch_next(&mut self, now: Now) -> Option<usize> {
        let usable =
            |slot: &Slot| slot.state == State::Empty && slot.vain < MAX_VAIN && slot.vain_killed < MAX_VAIN_KILLED;
        let free = self.list.iter().enumerate().filter(|(_, slot)| usable(slot));
        let (index, _) = free.min_by_key(|(_, slot)| slot.vain)?;
        self.list[index].state = State::Starting(now);
        Some(index)
    }

    /// The process of `slot` could not be started.
    pub(super) fn launch_failed(&mut self, slot: usize, reason: String) {
        let slot = &mut self.list[slot];
        slot.state = State::Empty;
        slot.vain += 1;
        slot.last = reason;
    }

    /// `worker` called for `slot`; false if nobody was expected.
    pub(super) fn connect(&mut self, slot: usize, worker: WorkerId, now: Now) -> bool {
        let expected = matches!(self.list[slot].state, State::Starting(_));
        if expected {
            self.list[slot].state = State::Serving { worker, heard: now };
        }
        expected
    }

    /// `worker` said something; its slot, unless it is no longer listened to.
    pub(super) fn heard(&mut self, worker: WorkerId, now: Now) -> Option<usize> {
        let slot = self.serving(worker)?;
        self.list[slot].state = State::Serving { worker, heard: now };
        Some(slot)
    }

    /// The line of `worker` has ended; its slot, whose process is to be ended too.
    pub(super) fn leave(&mut self, worker: WorkerId) -> Option<usize> {
        let slot = self.serving(worker)?;
        self.list[slot].state = State::Leaving;
        Some(slot)
    }

    /// The process of `slot` has ended; the units that it held, and whether the first took too long.
    pub(super) fn exited(&mut self, slot: usize, how: Ended) -> (Vec<usize>, bool) {
        let slot = &mut self.list[slot];
        slot.state = State::Empty;
        match super::Loss::from(how) {
            super::Loss::Killed => slot.vain_killed += 1,
            _ => slot.vain += 1,
        }
        slot.last = match how {
            Ended::Code(code) => format!("its worker left with exit code {code}"),
            Ended::Signal(signal) => format!("its worker was ended by signal {signal}"),
        };
        (std::mem::take(&mut slot.held), std::mem::take(&mut slot.timed_out))
    }

    /// The worker of `slot` has done a unit: the device works.
    pub(super) fn proven(&mut self, slot: usize, now: Now) {
        let slot = &mut self.list[slot];
        (slot.vain, slot.vain_killed, slot.since) = (0, 0, now);
    }

    pub(super) fn hold(&mut self, slot: usize, unit: usize, now: Now) {
        let slot = &mut self.list[slot];
        if slot.held.is_empty() {
            slot.since = now;
        }
        slot.held.push(unit);
    }

    pub(super) fn release(&mut self, slot: usize, unit: usize, now: Now) {
        let slot = &mut self.list[slot];
        slot.held.retain(|held| *held != unit);
        slot.since = now;
    }

    /// Workers that hold fewer than `depth` units.
    pub(super) fn with_fewer_than(&self, depth: usize) -> Vec<(usize, WorkerId)> {
        let fewer = |(index, slot): (usize, &Slot)| match slot.state {
            State::Serving { worker, .. } if slot.held.len() < depth => Some((index, worker)),
            _ => None,
        };
        self.list.iter().enumerate().filter_map(fewer).collect()
    }

    /// Slots whose worker is silent, hung or never called, with the reason. They are no longer listened to.
    pub(super) fn overdue(&mut self, now: Now, policy: &Policy) -> Vec<(usize, &'static str)> {
        let mut overdue = Vec::new();
        for (index, slot) in self.list.iter_mut().enumerate() {
            let reason = match slot.state {
                State::Starting(since) if now.saturating_sub(since) > STARTING => "did not call",
                State::Serving { heard, .. } if now.saturating_sub(heard) > policy.lease => "silent past its lease",
                State::Serving { .. }
                    if !slot.held.is_empty() && now.saturating_sub(slot.since) > policy.unit_timeout =>
                {
                    slot.timed_out = true;
                    "its unit took longer than task_timeout"
                }
                _ => continue,
            };
            slot.state = State::Leaving;
            overdue.push((index, reason));
        }
        overdue
    }

    /// Slots that have a process.
    pub(super) fn running(&self) -> impl Iterator<Item = usize> {
        let running = |(_, slot): &(usize, &Slot)| slot.state != State::Empty;
        self.list.iter().enumerate().filter(running).map(|(index, _)| index)
    }

    /// Slots that have a process, with the worker that called from it.
    pub(super) fn all(&self) -> Vec<(usize, Option<WorkerId>)> {
        let worker = |index: usize| match self.list[index].state {
            State::Serving { worker, .. } => Some(worker),
            _ => None,
        };
        self.running().map(|index| (index, worker(index))).collect()
    }

    /// How the last worker ended.
    pub(super) fn last_words(&self) -> String {
        let ended = self.list.iter().max_by_key(|slot| slot.vain);
        ended.map(|slot| slot.last.clone()).unwrap_or_default()
    }

    fn serving(&self, worker: WorkerId) -> Option<usize> {
        self.list.iter().position(|slot| matches!(slot.state, State::Serving { worker: w, .. } if w == worker))
    }

    #[cfg(test)]
    pub(super) fn holders(&self, unit: usize) -> Vec<usize> {
        (0..self.list.len()).filter(|slot| self.list[*slot].held.contains(&unit)).collect()
    }
}
