//! A sweep under test, with the workers' side of it in the hands of the test.

mod build;
mod deadlines;
mod devices;
mod failures;
mod jobs;
mod leases;
mod order;
mod output_folder;
mod simulation;
mod toy_kind;

use std::sync::Arc;
use std::time::Duration;

use fleet::{Condition, Ended, WorkerId};
use plan::work::Kind;
use protocol::exit::ExitCode;
use protocol::message::{Failure, FromWorker, Report, ToWorker};
use sweep::group::Group;
use sweep::unit::{Part, Piece, Unit, UnitId};

use self::build::{Job, Sweep, group, means, shard, task};
use super::ending::GRACE;
use super::*;

const POLICY: Policy =
    Policy { max_retries: 1, lease: Duration::from_secs(20), unit_timeout: Duration::from_hours(1), lets_go: false };
const KILLED: Ended = Ended::Signal(9);

/// The end of a worker that leaves with `code`.
const fn left(code: ExitCode) -> Ended {
    Ended::Code(code.number())
}

struct Rig {
    core: Core,
    units: Vec<Unit>,
    now: Now,
    /// Units that each connected worker was granted and has not answered.
    granted: Vec<(WorkerId, Unit, u32)>,
    launched: Vec<usize>,
    killed: Vec<usize>,
    left_behind: Vec<usize>,
    closed: Vec<usize>,
    stopped: Vec<WorkerId>,
    blamed: Vec<(UnitId, &'static str)>,
    /// Units that were given up and not taken back.
    given_up: Vec<UnitId>,
    /// Units that were asked back.
    withdrawn: Vec<(WorkerId, UnitId, u32)>,
    /// Whether the disk is full.
    full: bool,
    tries: usize,
    counted: u64,
    outcome: Option<Outcome>,
    workers: u64,
}

impl Rig {
    /// Groups of so many shards each, nothing of which is done.
    fn new(groups: &[u64], slots: usize) -> Self {
        let groups: Vec<_> = groups.iter().enumerate().map(|(index, shards)| group(index, *shards)).collect();
        let shards = groups.iter().enumerate();
        let shards =
            shards.flat_map(|(index, group)| (0..group.shards()).map(move |shard| task(index, group, shard, None)));
        Self::of(
            Sweep::new(shards.collect(), groups.iter().map(|group| Some(means(group))).collect(), slots, POLICY),
            &[],
        )
    }

    fn of(Sweep { core, units }: Sweep, expected: &[usize]) -> Self {
        let (granted, launched, killed, closed, stopped) = (vec![], vec![], vec![], vec![], vec![]);
        let (blamed, given_up, withdrawn, left_behind) = (vec![], vec![], vec![], vec![]);
        let (now, full, tries, counted, outcome, workers) = (Now::ZERO, false, 0, 0, None, 0);
        let mut rig = Self {
            core,
            units,
            now,
            granted,
            launched,
            killed,
            left_behind,
            closed,
            stopped,
            blamed,
            given_up,
            withdrawn,
            full,
            tries,
            counted,
            outcome,
            workers,
        };
        let actions = rig.core.start(rig.now, expected);
        rig.act(actions);
        rig
    }

    fn act(&mut self, actions: Vec<Action>) {
        self.core.assert_consistent();
        for action in actions {
            assert!(self.outcome.is_none(), "{action:?} after the end");
            match action {
                Action::Launch(slot) => self.launched.push(slot),
                Action::Kill(slot) => self.killed.push(slot),
                Action::LeaveBehind(slot) => self.left_behind.push(slot),
                Action::Grant { worker, task, attempt } => {
                    self.granted.push((worker, self.units[task].clone(), attempt));
                }
                Action::Send(worker, ToWorker::Stop) => self.stopped.push(worker),
                Action::Send(worker, ToWorker::Withdraw { unit, attempt }) => {
                    self.withdrawn.push((worker, unit, attempt));
                }
                Action::Send(..) => {}
                Action::GiveUp(unit) => self.given_up.push(unit),
                Action::TryAgain(unit) => self.given_up.retain(|other| *other != unit),
                Action::Blame { unit, class, .. } => self.blamed.push((unit, class)),
                Action::Count { maps, .. } => self.counted += maps,
                Action::Close(group) if self.full => {
                    let what = Unwritable::Group(group);
                    self.event(Event::Unwritable { what, reason: "full".into() });
                }
                Action::Close(group) => {
                    self.closed.push(group);
                    self.event(Event::Closed(group));
                }
                Action::Try => self.tries += 1,
                Action::End(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn event(&mut self, event: Event) {
        let actions = self.core.on_event(self.now, event);
        self.act(actions);
    }

    /// Time passes, and the scheduler looks at its clock each second; workers say nothing.
    fn silence(&mut self, time: Duration) {
        self.pass(time, &[]);
    }

    /// Time passes while these workers say that they live.
    fn pass(&mut self, time: Duration, alive: &[WorkerId]) {
        let end = self.now + time;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_secs(1));
            for worker in alive {
                self.say(*worker, FromWorker::Alive);
            }
            self.event(Event::Tick);
        }
    }

    /// A worker calls from the slot that was launched last.
    fn connect(&mut self) -> (usize, WorkerId) {
        let slot = self.launched.pop().unwrap();
        (slot, self.call(slot, None))
    }

    fn call(&mut self, slot: usize, holds: Option<Vec<(UnitId, u32)>>) -> WorkerId {
        self.workers += 1;
        let worker = WorkerId(self.workers);
        self.event(Event::Connected { worker, slot, holds });
        worker
    }

    fn say(&mut self, worker: WorkerId, message: FromWorker) {
        self.event(Event::Message { worker, message });
    }

    /// The worker's first grant.
    fn grant_of(&self, worker: WorkerId) -> Option<(Unit, u32)> {
        let first = self.granted.iter().find(|(holder, _, _)| *holder == worker);
        first.map(|(_, unit, attempt)| (unit.clone(), *attempt))
    }

    fn holds(&self, worker: WorkerId) -> Vec<(UnitId, u32)> {
        let held = self.granted.iter().filter(|(holder, _, _)| *holder == worker);
        held.map(|(_, unit, attempt)| (unit.id(), *attempt)).collect()
    }

    fn answer(&mut self, worker: WorkerId, failure: Option<Failure>) {
        let (unit, attempt) = self.grant_of(worker).unwrap();
        self.granted.retain(|(holder, held, _)| *holder != worker || held.id() != unit.id());
        let id = unit.id();
        self.say(
            worker,
            match failure {
                None => FromWorker::Done { unit: id, attempt, report: Report::default() },
                Some(class) => FromWorker::Failed { unit: id, attempt, class, text: "broken".into() },
            },
        );
    }

    /// The worker does whatever it is granted, until the sweep has nothing more for it.
    fn finish(&mut self, slot: usize, worker: WorkerId) {
        while self.grant_of(worker).is_some() {
            self.answer(worker, None);
        }
        self.exit(slot, worker, Ended::Code(0));
    }

    /// The worker's process ends, and with it what it held.
    fn exit(&mut self, slot: usize, worker: WorkerId, how: Ended) {
        self.event(Event::Disconnected { worker });
        self.granted.retain(|(holder, _, _)| *holder != worker);
        self.event(Event::Exited { slot, how });
    }

    /// Reasons of units that were given up.
    fn reasons(&self) -> Vec<&str> {
        let Some(Outcome::Incomplete(failed)) = &self.outcome else { panic!("{:?}", self.outcome) };
        // What is told at the end was told when it happened.
        let (mut told, mut known) =
            (self.given_up.clone(), failed.iter().map(|(unit, _)| unit.clone()).collect::<Vec<_>>());
        told.sort();
        known.sort();
        assert_eq!(told, known);
        failed.iter().map(|(_, reason)| reason.as_str()).collect()
    }
}
