//! The world around the core: a clock, a network, a disk, processes, and whoever does them harm.

use std::collections::{BTreeMap, HashMap, HashSet};

use plan::work::Lacking;

use super::super::*;
use super::process::Process;
use super::weather::{Random, Weather};

/// End of the bad weather: afterwards everything has to come to an end.
const BAD: Now = Now::from_mins(5);
const LONGEST: Now = Now::from_hours(12);
pub(super) const POLICY: Policy =
    Policy { max_retries: 1, lease: Duration::from_secs(20), unit_timeout: Duration::from_mins(3), lets_go: false };
pub(super) const BEAT: Duration = Duration::from_secs(5);

/// Happening at a moment.
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
    Recovers(usize),
    Strikes,
    Starts,
    Room,
}

/// Content of the stores, which outlives every process.
#[derive(Default)]
pub(in crate::core) struct Disk {
    pub(super) units: HashSet<UnitId>,
    /// Number of times that each unit was written.
    pub(in crate::core) written: HashMap<UnitId, u32>,
    pub(super) closed: HashSet<usize>,
    pub(super) full: bool,
}

/// Choice of shards that are split into pieces.
#[derive(Clone, Copy)]
enum Split {
    None,
    /// The last one of each group.
    Tail,
    All,
}

pub(in crate::core) struct World {
    pub(super) random: Random,
    pub(super) weather: Weather,
    pub(super) now: Now,
    pub(super) agenda: BTreeMap<(Now, u64), Happening>,
    pub(super) serial: u64,
    pub(super) groups: Vec<Arc<Group>>,
    split: Split,
    /// Kinds of work that the sweep has.
    pub(super) kinds: &'static [&'static dyn Kind],
    /// Units of the scheduler that runs, by their task.
    pub(super) units: Vec<Unit>,
    pub(super) slots: usize,
    pub(super) core: Option<Core>,
    pub(super) run: u32,
    pub(super) stopped_until: Now,
    pub(super) processes: Vec<Process>,
    pub(super) lines: u64,
    pub(in crate::core) disk: Disk,
    pub(super) counted: HashSet<UnitId>,
    pub(super) poison: UnitId,
    /// Conditions of the devices, and the conditions that the running scheduler was told last.
    pub(super) conditions: Vec<Condition>,
    pub(super) told: Vec<Condition>,
    pub(super) outcome: Option<Outcome>,
    pub(super) events: u64,
}

impl World {
    pub(in crate::core) fn new(seed: u64, kinds: &'static [&'static dyn Kind]) -> Self {
        let mut random = Random::new(seed);
        let weather = Weather::new(&mut random);
        let groups: Vec<_> = [2, 1, 3].into_iter().enumerate().map(|(index, shards)| group(index, shards)).collect();
        let split = [Split::None, Split::Tail, Split::All][random.below(3) as usize];
        let parts = shards_of(&groups[2], split);
        let poison = parts[random.below(parts.len() as u64) as usize].id();
        let slots = 1 + random.below(3) as usize;
        let mut world = Self {
            random,
            weather,
            now: Now::ZERO,
            agenda: BTreeMap::new(),
            serial: 0,
            groups,
            split,
            kinds,
            units: Vec::new(),
            slots,
            core: None,
            run: 0,
            stopped_until: Now::ZERO,
            processes: Vec::new(),
            lines: 0,
            disk: Disk::default(),
            counted: HashSet::new(),
            poison,
            conditions: vec![Condition::Well; slots],
            told: vec![Condition::Well; slots],
            outcome: None,
            events: 0,
        };
        world.after(Now::ZERO, Happening::Starts);
        world.after(Duration::from_secs(3), Happening::Strikes);
        world
    }

    /// Runs to the end; how the sweep ended.
    pub(in crate::core) fn pass(&mut self) -> Outcome {
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

    /// Units with the maps of a group.
    pub(super) fn shards(&self, group: &Arc<Group>) -> Vec<Unit> {
        shards_of(group, self.split)
    }

    /// Units of a group that is not closed, of all kinds that come after maps.
    pub(super) fn follow_ups(&self, group: &Arc<Group>) -> Vec<Unit> {
        let (split, ledger) = (plan::work::Split::of([group.as_ref()].into_iter(), 1), store::Ledger::default());
        let lacking = Lacking { group, index: 0, ledger: &ledger, split: &split, complete: false };
        let kinds = self.kinds.iter().filter(|kind| kind.name() != "attribute");
        kinds.flat_map(|kind| kind.units(&lacking)).collect()
    }

    /// Names of all units that `unit` waits for, done or not.
    pub(super) fn before(&self, unit: &Unit) -> Vec<UnitId> {
        let units: Vec<Unit> = self.shards(&unit.group).into_iter().chain(self.follow_ups(&unit.group)).collect();
        let Some(at) = units.iter().position(|of| of.id() == unit.id()) else { return Vec::new() };
        let after = plan::work::waits(self.kinds, &units).swap_remove(at);
        after.into_iter().map(|index| units[index as usize].id()).collect()
    }

    pub(in crate::core) fn spares_units(&self) -> bool {
        self.weather.spares_units()
    }

    /// Checks what must hold at the end.
    fn inspect(&self, outcome: &Outcome) {
        let gone = |process: &Process| !process.alive || process.is_helpless();
        assert!(self.processes.iter().all(gone), "a worker outlives the sweep");
        let lacking = self.groups.iter().enumerate().filter(|(index, _)| !self.disk.closed.contains(index));
        match outcome {
            Outcome::Complete => assert_eq!(lacking.count(), 0, "complete, but not all groups are closed"),
            Outcome::Incomplete(failed) => assert!(!failed.is_empty() && lacking.count() > 0),
            Outcome::NoWorkers(_) | Outcome::Interrupted => panic!("{outcome:?} is no end"),
        }
    }

    pub(super) fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    pub(super) fn at(&mut self, moment: Now, happening: Happening) {
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
            Happening::Thaws(index) if self.processes[index].is_helpless() => {
                self.processes[index].stuck = false;
                self.die(index, KILLED);
            }
            Happening::Thaws(index) => {
                (self.processes[index].frozen, self.processes[index].stuck) = (false, false);
                for happening in std::mem::take(&mut self.processes[index].deferred) {
                    self.after(Duration::ZERO, happening);
                }
            }
            Happening::Recovers(slot) => self.turn(slot, Condition::Well),
            Happening::Strikes => self.strike(),
            Happening::Starts => self.start(),
            Happening::Room => self.disk.full = false,
        }
    }
}

/// Units of all shards of `group`, whole or in pieces: predictions, variants on their pass, and two variants.
fn shards_of(group: &Arc<Group>, split: Split) -> Vec<Unit> {
    let variant = |name: &str| Piece::Variant(name.to_owned());
    let pieces = [Piece::Predictions, Piece::Pass, variant("Saliency"), variant("predictions")];
    let units = |shard| {
        let whole = super::super::shard(group, shard);
        let split = match split {
            Split::None => false,
            Split::Tail => shard + 1 == group.shards(),
            Split::All => true,
        };
        let piece = |piece: &Piece| Unit { piece: Some(piece.clone()), ..whole.clone() };
        if split { pieces.iter().map(piece).collect() } else { vec![whole] }
    };
    (0..group.shards()).flat_map(units).collect()
}

pub(super) fn is_final(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Complete | Outcome::Incomplete(_))
}
