use std::sync::Arc;

use sweep::group::{Dtype, Group, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::Variant;

use super::*;

const POLICY: Policy = Policy { max_retries: 1, lease: Duration::from_secs(20), unit_timeout: Duration::from_hours(1) };

fn group(index: usize, shards: u64) -> Arc<Group> {
    let variant = Variant {
        key: "Saliency".into(),
        class: "Saliency".into(),
        parameters: Parameters::default(),
        semantics: Semantics::Exact,
        complete: false,
        batch: 1,
        grows: false,
    };
    Arc::new(Group {
        dataset: format!("d{index}"),
        split: "test".into(),
        images_file: "d.npz".into(),
        format: "medmnist".into(),
        data: serde_json::Value::Null,
        model: "m".into(),
        weights: "m.pth".into(),
        weights_sha256: String::new(),
        mean: None,
        noise: Noise { name: "clean".into(), kind: "none".into(), parameters: Parameters::default() },
        store: "s.zarr".into(),
        images: 10 * shards,
        shape: [3, 8, 8],
        classes: 2,
        shard: 10,
        variants: vec![variant],
        numerics: Numerics { seed: 0, precision: Precision::Float32, dtype: Dtype::Float16, fold_batch_norm: false },
    })
}

/// A sweep under test, with the workers' side of it.
struct Rig {
    core: Core,
    now: Now,
    /// What each connected worker was granted and has not answered.
    granted: Vec<(WorkerId, Unit, u32)>,
    launched: Vec<usize>,
    killed: Vec<usize>,
    closed: Vec<usize>,
    counted: u64,
    outcome: Option<Outcome>,
    workers: u64,
}

impl Rig {
    fn new(groups: &[u64], slots: usize) -> Self {
        let groups: Vec<_> = groups.iter().enumerate().map(|(index, shards)| group(index, *shards)).collect();
        let shards = groups.iter().enumerate().flat_map(|(index, group)| {
            let unit = |shard| (index, Unit { group: Arc::clone(group), part: Part::Shard(shard) });
            (0..group.shards()).map(unit).collect::<Vec<_>>()
        });
        let means = groups.iter().map(|group| Some(Unit { group: Arc::clone(group), part: Part::Means }));
        let core = Core::new(shards.collect(), means.collect(), slots, POLICY);
        let (granted, launched, killed, closed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut rig =
            Self { core, now: Now::ZERO, granted, launched, killed, closed, counted: 0, outcome: None, workers: 0 };
        let actions = rig.core.start(rig.now);
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
                Action::Send(worker, ToWorker::Grant { unit, attempt }) => self.granted.push((worker, unit, attempt)),
                Action::Send(..) => {}
                Action::Count(maps, _) => self.counted += maps,
                Action::Close(group) => self.closed.push(group),
                Action::End(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn event(&mut self, event: Event) {
        let actions = self.core.on_event(self.now, event);
        self.act(actions);
    }

    /// A worker calls from the slot that was launched last.
    fn connect(&mut self) -> (usize, WorkerId) {
        let slot = self.launched.pop().unwrap();
        self.workers += 1;
        let worker = WorkerId(self.workers);
        self.event(Event::Connected { worker, slot });
        (slot, worker)
    }

    fn say(&mut self, worker: WorkerId, message: FromWorker) {
        self.event(Event::Message { worker, message });
    }

    /// The worker's first grant.
    fn grant_of(&self, worker: WorkerId) -> Option<(Unit, u32)> {
        let first = self.granted.iter().find(|(holder, _, _)| *holder == worker);
        first.map(|(_, unit, attempt)| (unit.clone(), *attempt))
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

    /// The worker's process ends, and with it what it held.
    fn exit(&mut self, slot: usize, worker: WorkerId, how: Ended) {
        self.event(Event::Disconnected { worker });
        self.granted.retain(|(holder, _, _)| *holder != worker);
        self.event(Event::Exited { slot, how });
    }
}

const KILLED: Ended = Ended::Signal(9);

#[test]
fn means_follow_the_last_shard_of_their_group_and_close_it() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.answer(worker, None);
    assert_eq!(rig.grant_of(worker).map(|(unit, _)| unit.part), Some(Part::Means));
    assert_eq!((rig.counted, rig.closed.clone()), (20, vec![]));
    rig.answer(worker, None);
    assert_eq!(rig.closed, [0]);
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_sweep_with_nothing_to_do_ends_without_a_worker() {
    let core = Core::new(Vec::new(), vec![None], 2, POLICY).start(Now::ZERO);
    assert_eq!(core, [Action::End(Outcome::Complete)]);
}

#[test]
fn a_lost_workers_units_are_granted_again_with_a_new_attempt_and_its_late_result_is_refused() {
    let mut rig = Rig::new(&[2], 2);
    let (slot, worker) = rig.connect();
    let (lost, attempt) = rig.grant_of(worker).unwrap();
    rig.exit(slot, worker, KILLED);
    let (_, other) = rig.connect();
    let again = rig.grant_of(other).unwrap();
    assert_eq!((again.0.id(), again.1), (lost.id(), attempt + 1));
    rig.say(worker, FromWorker::Done { unit: lost.id(), attempt, report: Report::default() });
    rig.say(other, FromWorker::Done { unit: lost.id(), attempt, report: Report::default() });
    assert_eq!(rig.counted, 0);
    rig.answer(other, None);
    assert_eq!(rig.counted, 10);
}

#[test]
fn a_silent_worker_is_ended_after_its_lease_and_its_unit_waits_until_the_process_is_gone() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.now = POLICY.lease;
    rig.event(Event::Tick);
    assert_eq!(rig.killed, [0; 0]);
    rig.now += Duration::from_millis(1);
    rig.event(Event::Tick);
    assert_eq!(rig.killed, [slot]);
    assert_eq!(rig.launched, [0; 0]);
    rig.exit(slot, worker, KILLED);
    assert_eq!(rig.launched, [slot]);
}

#[test]
fn a_heartbeat_renews_the_lease_but_not_the_deadline_of_a_unit() {
    let mut rig = Rig::new(&[1], 1);
    let (_, worker) = rig.connect();
    while rig.now < POLICY.unit_timeout {
        rig.event(Event::Tick);
        assert_eq!(rig.killed, [0; 0], "at {:?}", rig.now);
        rig.now += POLICY.lease / 2;
        rig.say(worker, FromWorker::Alive);
    }
    rig.now += POLICY.lease / 2;
    rig.say(worker, FromWorker::Alive);
    rig.event(Event::Tick);
    assert_eq!(rig.killed.len(), 1);
}

#[test]
fn a_unit_that_fails_is_tried_again_as_often_as_the_config_says() {
    let mut rig = Rig::new(&[1], 1);
    let (slot, worker) = rig.connect();
    rig.answer(worker, Some(Failure::Engine));
    assert_eq!(rig.grant_of(worker).map(|(_, attempt)| attempt), Some(2));
    rig.answer(worker, Some(Failure::Engine));
    rig.exit(slot, worker, Ended::Code(0));
    let Some(Outcome::Incomplete(failed)) = &rig.outcome else { panic!("{:?}", rig.outcome) };
    assert_eq!(
        failed.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(),
        ["broken", "a shard of its group was given up"]
    );
}

#[test]
fn a_hopeless_failure_is_not_tried_again_and_the_rest_goes_on() {
    for class in [Failure::Input, Failure::Number] {
        let mut rig = Rig::new(&[1, 1], 1);
        let (slot, worker) = rig.connect();
        rig.answer(worker, Some(class));
        rig.answer(worker, None);
        rig.answer(worker, None);
        rig.exit(slot, worker, Ended::Code(0));
        assert_eq!(rig.closed, [1]);
        assert!(matches!(&rig.outcome, Some(Outcome::Incomplete(failed)) if failed.len() == 2), "{:?}", rig.outcome);
    }
}

#[test]
fn a_unit_that_crashes_its_workers_is_given_up_and_the_device_is_not() {
    let mut rig = Rig::new(&[1, 1], 1);
    for _ in 0..3 {
        let (slot, worker) = rig.connect();
        rig.exit(slot, worker, Ended::Signal(11));
    }
    let (slot, worker) = rig.connect();
    assert_eq!(rig.grant_of(worker).map(|(unit, _)| unit.group.dataset.clone()), Some("d1".into()));
    rig.answer(worker, None);
    rig.answer(worker, None);
    rig.exit(slot, worker, Ended::Code(0));
    assert!(matches!(rig.outcome, Some(Outcome::Incomplete(_))));
}

#[test]
fn twenty_kills_from_outside_cost_no_unit() {
    let mut rig = Rig::new(&[1], 1);
    for _ in 0..20 {
        let (slot, worker) = rig.connect();
        rig.exit(slot, worker, KILLED);
    }
    let (slot, worker) = rig.connect();
    rig.answer(worker, None);
    rig.answer(worker, None);
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_device_that_never_keeps_a_worker_ends_the_sweep_with_the_reason() {
    let mut rig = Rig::new(&[3], 1);
    while let Some(slot) = rig.launched.pop() {
        rig.event(Event::Exited { slot, how: Ended::Code(83) });
    }
    assert_eq!(rig.outcome, Some(Outcome::NoWorkers("its worker left with exit code 83".into())));
}

/// The scheduler died between the last shard and the means.
#[test]
fn a_sweep_that_lacks_means_only_starts_a_worker_for_them() {
    let means = Unit { group: group(0, 2), part: Part::Means };
    let mut core = Core::new(Vec::new(), vec![Some(means)], 2, POLICY);
    assert_eq!(core.start(Now::ZERO), [Action::Launch(0)]);
    let granted = core.on_event(Now::ZERO, Event::Connected { worker: WorkerId(1), slot: 0 });
    assert!(matches!(&granted[..], [Action::Send(_, ToWorker::Grant { .. })]), "{granted:?}");
}

#[test]
fn a_broken_device_leaves_the_last_unit_to_another_one() {
    let mut rig = Rig::new(&[1], 2);
    // One shard and its means are open, so both devices are tried.
    assert_eq!(rig.launched, [0, 1]);
    for _ in 0..5 {
        rig.launched.retain(|slot| *slot != 0);
        rig.event(Event::Exited { slot: 0, how: Ended::Code(83) });
    }
    let (slot, worker) = rig.connect();
    assert_eq!(slot, 1);
    rig.answer(worker, None);
    rig.answer(worker, None);
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Complete));
}

#[test]
fn a_unit_that_takes_too_long_uses_up_its_retries() {
    let mut rig = Rig::new(&[1], 1);
    for _ in 0..=POLICY.max_retries {
        let (slot, worker) = rig.connect();
        let end = rig.now + POLICY.unit_timeout + Duration::from_secs(1);
        while rig.now < end {
            rig.say(worker, FromWorker::Alive);
            rig.now += POLICY.lease / 2;
        }
        rig.event(Event::Tick);
        assert_eq!(rig.killed.pop(), Some(slot));
        rig.exit(slot, worker, KILLED);
    }
    assert!(
        matches!(&rig.outcome, Some(Outcome::Incomplete(failed)) if failed[0].1.contains("task_timeout")),
        "{:?}",
        rig.outcome
    );
}

#[test]
fn a_full_disk_stops_everything_at_once() {
    let mut rig = Rig::new(&[4], 2);
    let (first, a) = rig.connect();
    let (second, b) = rig.connect();
    rig.answer(a, Some(Failure::Storage));
    rig.exit(first, a, Ended::Code(0));
    assert_eq!(rig.outcome, None);
    rig.exit(second, b, Ended::Code(0));
    assert_eq!(rig.outcome, Some(Outcome::Storage("broken".into())));
}

#[test]
fn an_interrupt_waits_for_the_workers_for_a_while_and_then_ends_them() {
    let mut rig = Rig::new(&[2], 1);
    let (slot, worker) = rig.connect();
    rig.event(Event::Interrupt);
    rig.event(Event::Tick);
    assert_eq!(rig.killed, [0; 0]);
    rig.now = GRACE + Duration::from_secs(1);
    rig.event(Event::Tick);
    assert_eq!(rig.killed, [slot]);
    rig.exit(slot, worker, KILLED);
    assert_eq!(rig.outcome, Some(Outcome::Interrupted));
    assert_eq!(rig.launched, [0; 0]);
}

#[test]
fn a_worker_reads_ahead_only_while_there_is_work_for_all() {
    let mut rig = Rig::new(&[4], 2);
    let (_, a) = rig.connect();
    let held = |rig: &Rig, worker| rig.granted.iter().filter(|(holder, _, _)| *holder == worker).count();
    assert_eq!(held(&rig, a), 2);
    let (_, b) = rig.connect();
    // One unit is left for two workers: who is free first shall have it.
    assert_eq!((held(&rig, a), held(&rig, b)), (2, 1));
}

/// Workers that come, answer, fail, crash, fall silent and are killed at random, from many seeds:
/// the invariants hold after every event, nothing is granted twice at once, and everything ends.
#[test]
fn any_order_of_events_ends_with_every_unit_done_once() {
    for seed in 0..300_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |n: u64| {
            // xorshift64*, by Vigna
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
        };
        let mut rig = Rig::new(&[3, 1, 4], 3);
        let mut alive: Vec<(usize, WorkerId)> = Vec::new();
        for _ in 0..10_000 {
            if rig.outcome.is_some() {
                break;
            }
            while let Some(slot) = rig.killed.pop() {
                if let Some(at) = alive.iter().position(|(of, _)| *of == slot) {
                    let (slot, worker) = alive.swap_remove(at);
                    rig.exit(slot, worker, KILLED);
                } else {
                    rig.launched.retain(|of| *of != slot);
                    rig.event(Event::Exited { slot, how: KILLED });
                }
            }
            rig.now += Duration::from_millis(random(4000));
            let chosen = alive.get(random(4) as usize).copied();
            match (random(10), chosen) {
                (0..2, _) if !rig.launched.is_empty() => alive.push(rig.connect()),
                (2..8, Some((_, worker))) if rig.grant_of(worker).is_some() => {
                    rig.answer(worker, None);
                }
                (8, Some((slot, worker))) if random(4) == 0 => {
                    alive.retain(|(_, other)| *other != worker);
                    rig.exit(slot, worker, KILLED);
                }
                (_, Some((slot, worker))) if rig.core.ending.is_some() => {
                    alive.retain(|(_, other)| *other != worker);
                    rig.exit(slot, worker, Ended::Code(0));
                }
                (9, Some((_, worker))) => rig.say(worker, FromWorker::Alive),
                _ => rig.event(Event::Tick),
            }
        }
        assert_eq!(rig.outcome, Some(Outcome::Complete), "seed {seed}");
        assert_eq!(rig.counted, 80, "seed {seed}");
        rig.closed.sort_unstable();
        assert_eq!(rig.closed, [0, 1, 2], "seed {seed}");
    }
}
