//! The world around the core: a clock, a network, a disk, processes, and whoever does them harm.

use std::collections::{BTreeMap, HashSet};

use super::super::*;
use super::process::Process;
use super::weather::{CLASSES, Fault, Random, Weather};

/// Until then the weather is bad; afterwards everything has to come to an end.
const BAD: Now = Now::from_mins(5);
const LONGEST: Now = Now::from_hours(12);
const POLICY: Policy = Policy { max_retries: 1, lease: Duration::from_secs(20), unit_timeout: Duration::from_mins(3) };
const BEAT: Duration = Duration::from_secs(5);

/// What happens at a moment.
pub(super) enum Happening {
    Tick(u32),
    /// The scheduler of this run hears something.
    Hears(u32, Event),
    Told(usize, WorkerId, ToWorker),
    Calls(usize),
    Beats(usize),
    Finishes(usize, u64),
    Dies(usize, Ended),
    Thaws(usize),
    Strikes,
    Starts,
    Room,
}

/// What the stores hold, which outlives every process.
#[derive(Default)]
struct Disk {
    units: HashSet<UnitId>,
    closed: HashSet<usize>,
    full: bool,
}

pub(super) struct World {
    random: Random,
    weather: Weather,
    now: Now,
    agenda: BTreeMap<(Now, u64), Happening>,
    serial: u64,
    groups: Vec<Arc<Group>>,
    slots: usize,
    core: Option<Core>,
    run: u32,
    stopped_until: Now,
    processes: Vec<Process>,
    lines: u64,
    disk: Disk,
    counted: HashSet<UnitId>,
    poison: UnitId,
    outcome: Option<Outcome>,
    pub(super) events: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let weather = Weather::new(&mut random);
        let groups: Vec<_> = [2, 1, 3].into_iter().enumerate().map(|(index, shards)| group(index, shards)).collect();
        let poison = Unit { group: Arc::clone(&groups[2]), part: Part::Shard(1) }.id();
        let slots = 1 + random.below(3) as usize;
        let mut world = Self {
            random,
            weather,
            now: Now::ZERO,
            agenda: BTreeMap::new(),
            serial: 0,
            groups,
            slots,
            core: None,
            run: 0,
            stopped_until: Now::ZERO,
            processes: Vec::new(),
            lines: 0,
            disk: Disk::default(),
            counted: HashSet::new(),
            poison,
            outcome: None,
            events: 0,
        };
        world.after(Now::ZERO, Happening::Starts);
        world.after(Duration::from_secs(3), Happening::Strikes);
        world
    }

    /// Runs to the end; how the sweep ended.
    pub(super) fn pass(&mut self) -> Outcome {
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            self.now = at;
            assert!(at < LONGEST && self.run < 60, "no end in sight: run {}, {:?}, {:?}", self.run, at, self.weather);
            if at > BAD {
                self.weather = Weather { poison: self.weather.poison, ..Weather::default() };
            }
            self.happen(happening);
            if let Some(outcome) = self.outcome.take_if(|outcome| self.agenda.is_empty() || is_final(outcome)) {
                self.inspect(&outcome);
                return outcome;
            }
        }
        panic!("nothing happens any more, and the sweep has not ended")
    }

    pub(super) fn spares_units(&self) -> bool {
        self.weather.spares_units()
    }

    /// What must hold at the end.
    fn inspect(&self, outcome: &Outcome) {
        assert!(self.processes.iter().all(|process| !process.alive), "a worker outlives the sweep");
        let lacking = self.groups.iter().enumerate().filter(|(index, _)| !self.disk.closed.contains(index));
        match outcome {
            Outcome::Complete => assert_eq!(lacking.count(), 0, "complete, but not all groups are closed"),
            Outcome::Incomplete(failed) => assert!(!failed.is_empty() && lacking.count() > 0),
            Outcome::NoWorkers(_) | Outcome::Interrupted => panic!("{outcome:?} is no end"),
        }
    }

    fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    fn at(&mut self, moment: Now, happening: Happening) {
        self.serial += 1;
        self.agenda.insert((moment, self.serial), happening);
    }

    fn happen(&mut self, happening: Happening) {
        let busy = self.now < self.stopped_until && matches!(happening, Happening::Tick(_) | Happening::Hears(..));
        if busy {
            return self.at(self.stopped_until, happening);
        }
        let process = match &happening {
            Happening::Told(index, ..)
            | Happening::Calls(index)
            | Happening::Beats(index)
            | Happening::Finishes(index, _) => Some(*index),
            _ => None,
        };
        if let Some(index) = process.filter(|index| self.processes[*index].frozen || !self.processes[*index].alive) {
            return self.processes[index].deferred.push(happening);
        }
        match happening {
            Happening::Tick(run) if run == self.run && self.core.is_some() => {
                self.feed(Event::Tick);
                self.after(BEAT, Happening::Tick(run));
            }
            Happening::Hears(run, event) if run == self.run && self.core.is_some() => self.hear(event),
            Happening::Tick(_) | Happening::Hears(..) => {}
            Happening::Told(index, line, message) => self.tell(index, line, message),
            Happening::Calls(index) => self.call(index),
            Happening::Beats(index) => self.beat(index),
            Happening::Finishes(index, serial) => self.finish(index, serial),
            Happening::Dies(index, how) => self.die(index, how),
            Happening::Thaws(index) => {
                self.processes[index].frozen = false;
                for happening in std::mem::take(&mut self.processes[index].deferred) {
                    self.after(Duration::ZERO, happening);
                }
            }
            Happening::Strikes => self.strike(),
            Happening::Starts => self.start(),
            Happening::Room => self.disk.full = false,
        }
    }

    // The scheduler's side.

    /// A scheduler starts, for the first time or again: it knows what the stores hold, and which processes live.
    fn start(&mut self) {
        self.run += 1;
        self.counted.clear();
        let mut tasks = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            let missing = (0..group.shards()).map(|shard| task(index, group, shard, None));
            tasks.extend(missing.filter(|task| !self.disk.units.contains(&task.unit.id())));
        }
        let open = |(index, group)| (!self.disk.closed.contains(&index)).then(|| means(group));
        let means = self.groups.iter().enumerate().map(open).collect();
        let expected: Vec<usize> = (0..self.slots).filter(|slot| self.living(*slot).is_some()).collect();
        let mut core = Core::new(tasks, means, self.slots, POLICY);
        let actions = core.start(self.now, &expected);
        self.core = Some(core);
        self.act(actions);
        self.after(BEAT, Happening::Tick(self.run));
    }

    /// The process of `slot`, if it has one.
    fn living(&self, slot: usize) -> Option<usize> {
        self.processes.iter().position(|process| process.alive && process.slot == slot)
    }

    fn hear(&mut self, event: Event) {
        if let Event::Message { worker, message: FromWorker::Alive } = &event {
            self.send(*worker, &ToWorker::Renewed);
        }
        if let Event::Connected { worker, .. } = &event {
            self.send(*worker, &ToWorker::Renewed);
        }
        self.feed(event);
    }

    fn feed(&mut self, event: Event) {
        self.events += 1;
        let Some(core) = &mut self.core else { return };
        let actions = core.on_event(self.now, event);
        self.act(actions);
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            let Some(core) = &self.core else { panic!("{action:?} after the end") };
            core.assert_consistent();
            match action {
                Action::Launch(slot) => self.launch(slot),
                Action::Kill(slot) => {
                    if let Some(index) = self.living(slot) {
                        let delay = self.random.millis(1, 50);
                        self.after(delay, Happening::Dies(index, KILLED));
                    }
                }
                Action::Send(worker, message) => {
                    if let ToWorker::Grant { unit, .. } = &message {
                        assert!(core.ending.is_none(), "a grant after the end");
                        let holder = self.processes.iter().find(|process| process.works_on(&unit.id()));
                        assert!(
                            holder.is_none(),
                            "{} is granted, and the worker of {} has it",
                            unit.id(),
                            holder.unwrap().slot
                        );
                    }
                    self.send(worker, &message);
                }
                Action::Count { unit, .. } => {
                    assert!(self.disk.units.contains(&unit), "{unit} is counted and not on disk");
                    assert!(self.counted.insert(unit), "a unit is counted twice");
                }
                Action::Close(group) => self.close(group),
                Action::Try => {
                    let full = self.disk.full;
                    self.feed(Event::Tried(if full { Err("full".into()) } else { Ok(()) }));
                }
                Action::End(outcome) => self.end(outcome),
            }
        }
        if let Some(core) = &self.core {
            core.assert_consistent();
        }
    }

    fn close(&mut self, group: usize) {
        let of = Arc::clone(&self.groups[group]);
        let shards = (0..of.shards()).map(|shard| task(group, &of, shard, None).unit.id());
        assert!(shards.chain([means(&of).id()]).all(|id| self.disk.units.contains(&id)), "closed too early");
        if self.disk.full {
            self.feed(Event::Unwritable { what: Unwritable::Group(group), reason: "full".into() });
        } else {
            self.disk.closed.insert(group);
            self.feed(Event::Closed(group));
        }
    }

    fn end(&mut self, outcome: Outcome) {
        assert!((0..self.slots).all(|slot| self.living(slot).is_none()), "{outcome:?} while workers live");
        self.core = None;
        if !is_final(&outcome) {
            // Somebody runs it again.
            self.after(Duration::from_secs(1), Happening::Starts);
        }
        self.outcome = Some(outcome);
    }

    fn launch(&mut self, slot: usize) {
        assert!(self.living(slot).is_none(), "a second process for slot {slot}");
        if self.random.chance(self.weather.stillborn / 3) {
            return self.feed(Event::LaunchFailed { slot, reason: "no program".into() });
        }
        let index = self.processes.len();
        self.processes.push(Process::new(slot, self.run, self.now));
        let delay = self.random.millis(100, 5000);
        match self.random.below(1000) {
            n if n < self.weather.stillborn / 3 => {}
            n if n < self.weather.stillborn => self.after(delay, Happening::Dies(index, Ended::Code(83))),
            _ => self.after(delay, Happening::Calls(index)),
        }
    }

    // The network.

    /// When a message arrives that is sent now; none if it never does.
    fn travel(&mut self, process: usize, direction: usize) -> Vec<Now> {
        if self.random.chance(self.weather.drop) {
            return Vec::new();
        }
        let delay = self.random.millis(1, if self.weather.slow { 3000 } else { 50 });
        let mut arrival = self.now + delay;
        if !self.weather.reorder {
            let last = &mut self.processes[process].arrivals[direction];
            arrival = arrival.max(*last);
            *last = arrival;
        }
        let again = self.random.chance(self.weather.double);
        if again { vec![arrival, arrival + Duration::from_millis(1)] } else { vec![arrival] }
    }

    fn send(&mut self, worker: WorkerId, message: &ToWorker) {
        let Some(index) = self.processes.iter().position(|process| process.line == Some(worker)) else { return };
        for arrival in self.travel(index, 0) {
            self.at(arrival, Happening::Told(index, worker, message.clone()));
        }
    }

    fn say(&mut self, index: usize, message: &FromWorker) {
        let Some(worker) = self.processes[index].line else { return };
        for arrival in self.travel(index, 1) {
            let event = Event::Message { worker, message: message.clone() };
            self.at(arrival, Happening::Hears(self.run, event));
        }
    }

    fn hang_up(&mut self, index: usize) {
        let delay = self.random.millis(1, 2000);
        if let Some(worker) = self.processes[index].line.take() {
            self.after(delay, Happening::Hears(self.run, Event::Disconnected { worker }));
        }
    }

    // The workers' side.

    fn call(&mut self, index: usize) {
        if self.core.is_none() {
            return self.after(Duration::from_secs(1), Happening::Calls(index));
        }
        self.lines += 1;
        let worker = WorkerId(self.lines);
        let process = &mut self.processes[index];
        let (slot, holds) = (process.slot, process.called.then(|| process.holds()));
        if !process.called {
            self.after(BEAT, Happening::Beats(index));
        }
        let process = &mut self.processes[index];
        (process.called, process.line, process.heard) = (true, Some(worker), self.now);
        let delay = self.random.millis(1, 50);
        let arrival = (self.now + delay).max(self.processes[index].arrivals[1]);
        self.processes[index].arrivals[1] = arrival;
        self.at(arrival, Happening::Hears(self.run, Event::Connected { worker, slot, holds }));
        for message in self.processes[index].unnoted.clone() {
            self.say(index, &message);
        }
    }

    /// A heartbeat. Who has heard nothing for a lease ends itself, whatever it is doing.
    fn beat(&mut self, index: usize) {
        if self.now > self.processes[index].heard + POLICY.lease {
            return self.die(index, Ended::Code(84));
        }
        self.say(index, &FromWorker::Alive);
        self.after(BEAT, Happening::Beats(index));
    }

    fn tell(&mut self, index: usize, line: WorkerId, message: ToWorker) {
        let process = &mut self.processes[index];
        if process.line != Some(line) {
            return;
        }
        process.heard = self.now;
        match message {
            ToWorker::Grant { unit, attempt } => {
                process.take(unit, attempt);
                self.begin(index);
            }
            ToWorker::Noted { unit, attempt } => process.noted(&unit, attempt),
            ToWorker::Stop => {
                let delay = self.random.millis(1, 3000);
                self.after(delay, Happening::Dies(index, Ended::Code(0)));
            }
            ToWorker::Welcome { .. } | ToWorker::Renewed => {}
        }
    }

    fn begin(&mut self, index: usize) {
        let process = &mut self.processes[index];
        if process.under_way.is_some() || process.todo.is_empty() {
            return;
        }
        self.serial += 1;
        process.under_way = Some(self.serial);
        let serial = self.serial;
        let took = self.random.millis(500, 30_000);
        if self.random.chance(self.weather.crash) {
            self.after(took, Happening::Dies(index, Ended::Signal(11)));
        } else if !self.random.chance(self.weather.hang) {
            self.after(took, Happening::Finishes(index, serial));
        }
    }

    fn finish(&mut self, index: usize, serial: u64) {
        if self.processes[index].under_way != Some(serial) {
            return;
        }
        self.processes[index].under_way = None;
        let Some((unit, attempt)) = self.processes[index].todo.pop_front() else { return };
        let failure = self.failure_of(&unit.id());
        let id = unit.id();
        let message = if let Some(class) = failure {
            FromWorker::Failed { unit: id, attempt, class, text: "broken".into() }
        } else {
            self.write(&unit);
            if self.random.chance(self.weather.cut) {
                return self.die(index, KILLED);
            }
            FromWorker::Done { unit: id, attempt, report: Report::default() }
        };
        self.processes[index].unnoted.push(message.clone());
        self.say(index, &message);
        if failure == Some(Failure::Sticky) {
            return self.after(Duration::from_millis(200), Happening::Dies(index, Ended::Code(82)));
        }
        self.begin(index);
    }

    fn failure_of(&mut self, id: &UnitId) -> Option<Failure> {
        if self.weather.poison.is_some() && *id == self.poison {
            return self.weather.poison;
        }
        if self.disk.full {
            return Some(Failure::Storage);
        }
        self.random.chance(self.weather.fail).then(|| CLASSES[self.random.below(6) as usize])
    }

    fn write(&mut self, unit: &Unit) {
        if unit.part == Part::Means {
            let mut shards =
                (0..unit.group.shards()).map(|shard| Unit { part: Part::Shard(shard), ..unit.clone() }.id());
            assert!(shards.all(|id| self.disk.units.contains(&id)), "means before the last shard");
        }
        self.disk.units.insert(unit.id());
    }

    fn die(&mut self, index: usize, how: Ended) {
        if !std::mem::replace(&mut self.processes[index].alive, false) {
            return;
        }
        self.hang_up(index);
        let process = &self.processes[index];
        let how = if process.parent == self.run { how } else { Ended::Unseen };
        let (slot, delay) = (process.slot, self.random.millis(1, 500));
        self.after(delay, Happening::Hears(self.run, Event::Exited { slot, how }));
    }

    // Harm.

    fn strike(&mut self) {
        let bad = !self.weather.faults.is_empty();
        if bad {
            let fault = self.weather.faults[self.random.below(self.weather.faults.len() as u64) as usize];
            self.do_harm(fault);
        }
        if bad && self.outcome.as_ref().is_none_or(|outcome| !is_final(outcome)) {
            let delay = self.random.millis(500, 25_000);
            self.after(delay, Happening::Strikes);
        }
    }

    fn do_harm(&mut self, fault: Fault) {
        let slot = self.random.below(self.slots as u64) as usize;
        match (fault, self.living(slot)) {
            (Fault::KillWorker, Some(index)) => self.die(index, KILLED),
            (Fault::TerminateWorker, Some(index)) => self.die(index, Ended::Signal(15)),
            (Fault::FreezeWorker, Some(index)) if !self.processes[index].frozen => {
                self.processes[index].frozen = true;
                let delay = self.random.millis(1000, 60_000);
                self.after(delay, Happening::Thaws(index));
            }
            (Fault::BreakLine, Some(index)) if self.processes[index].line.is_some() => {
                self.hang_up(index);
                self.after(Duration::from_secs(1), Happening::Calls(index));
            }
            (Fault::SecondCaller, Some(_)) if self.core.is_some() => {
                self.lines += 1;
                let (worker, holds) = (WorkerId(self.lines), None);
                let Some(core) = &mut self.core else { return };
                // Only where it cannot be the first one.
                if core.slots.worker(slot).is_some() {
                    let actions = core.on_event(self.now, Event::Connected { worker, slot, holds });
                    assert!(actions.contains(&Action::Send(worker, ToWorker::Stop)), "a second caller was let in");
                    self.act(actions);
                }
            }
            (Fault::CrashScheduler, _) if self.core.is_some() => {
                self.core = None;
                for index in 0..self.processes.len() {
                    if self.processes[index].alive && self.processes[index].line.take().is_some() {
                        self.after(Duration::from_secs(1), Happening::Calls(index));
                    }
                }
                let down = self.random.millis(500, 45_000);
                self.after(down, Happening::Starts);
            }
            (Fault::FreezeScheduler, _) => {
                let end = self.now + self.random.millis(1000, 90_000);
                self.stopped_until = self.stopped_until.max(end);
            }
            (Fault::FillDisk, _) if !self.disk.full => {
                self.disk.full = true;
                let delay = self.random.millis(1000, 60_000);
                self.after(delay, Happening::Room);
            }
            (Fault::Interrupt, _) => self.feed(Event::Interrupt),
            _ => {}
        }
    }
}

fn is_final(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Complete | Outcome::Incomplete(_))
}
