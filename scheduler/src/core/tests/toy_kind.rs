//! Toy kinds of work, which only this file knows: the core schedules their units as it does all others.

use std::collections::BTreeMap;

use plan::work::{Attribute, GroupMeans, Lacking, Repeated, Siblings};

use super::simulation::World;
use super::*;

/// Scores of the maps of a shard, once all of its maps exist.
#[derive(Debug)]
struct Score;

impl Kind for Score {
    fn name(&self) -> &'static str {
        "score"
    }

    fn repeated(&self) -> Repeated {
        Repeated::SameBytes
    }

    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit> {
        let unit = |shard| Unit::of(Arc::clone(lacking.group), self.name(), Part::Shard(shard));
        (0..lacking.group.shards()).filter(|_| !lacking.complete).map(unit).collect()
    }

    fn after(&self, unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32> {
        siblings.of_shard(unit).filter(|(_, other)| other.kind == "attribute").map(|(index, _)| index).collect()
    }

    fn bereft(&self) -> &'static str {
        "maps that it scores were given up"
    }
}

/// Training on the scores and means of a group: an attempt goes on from the checkpoint of the one before.
#[derive(Debug)]
struct Train;

impl Kind for Train {
    fn name(&self) -> &'static str {
        "train"
    }

    fn repeated(&self) -> Repeated {
        Repeated::Resumes
    }

    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit> {
        let unit = || Unit::of(Arc::clone(lacking.group), self.name(), Part::Whole);
        (!lacking.complete).then(unit).into_iter().collect()
    }

    fn after(&self, _unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32> {
        let before = |unit: &Unit| ["score", "means"].contains(&unit.kind.as_ref());
        siblings.all().filter(|(_, unit)| before(unit)).map(|(index, _)| index).collect()
    }

    fn bereft(&self) -> &'static str {
        "scores that it learns from were given up"
    }
}

const WITH_TOYS: [&dyn Kind; 4] = [&Attribute, &GroupMeans, &Score, &Train];

/// Sweep of one group with this number of shards, of which nothing is done.
fn sweep(shards: u64) -> Sweep {
    let of = group(0, shards);
    let (split, ledger) = (plan::work::Split::of([of.as_ref()].into_iter(), 1), store::Ledger::default());
    let lacking = Lacking { group: &of, index: 0, ledger: &ledger, split: &split, complete: false };
    let units = WITH_TOYS.iter().flat_map(|kind| kind.units(&lacking));
    let jobs = units.map(|unit| Job { group: 0, unit, forecast: None }).collect();
    Sweep::of_kinds(&WITH_TOYS, jobs, &[true], 1, POLICY)
}

#[test]
fn units_of_a_new_kind_are_granted_behind_what_they_wait_for_and_the_group_closes_behind_them() {
    let mut rig = Rig::of(sweep(2), &[]);
    let (slot, worker) = rig.connect();
    let mut order = Vec::new();
    while let Some((unit, _)) = rig.grant_of(worker) {
        assert_eq!(rig.closed, [0; 0]);
        order.push(unit.id().part().to_owned());
        rig.answer(worker, None);
    }
    let at = |part: &str| order.iter().position(|of| of == part).unwrap();
    assert_eq!(order.len(), 6, "{order:?}");
    assert!(at("0") < at("0:score") && at("1") < at("1:score") && at("1") < at("means"), "{order:?}");
    assert_eq!(order.last().map(String::as_str), Some("train"));
    rig.exit(slot, worker, Ended::Code(0));
    assert_eq!((rig.closed.clone(), rig.outcome), (vec![0], Some(Outcome::Complete)));
}

#[test]
fn what_waits_for_a_unit_that_was_given_up_is_given_up_link_by_link_each_with_the_reason_of_its_kind() {
    let mut rig = Rig::of(sweep(1), &[]);
    let (slot, worker) = rig.connect();
    rig.answer(worker, Some(Failure::Number));
    rig.exit(slot, worker, Ended::Code(0));
    let reasons: BTreeMap<String, String> = match rig.outcome {
        Some(Outcome::Incomplete(failed)) => failed.into_iter().map(|(id, why)| (id.part().to_owned(), why)).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reasons.len(), 4);
    assert_eq!(reasons["0:score"], Score.bereft());
    assert_eq!(reasons["means"], GroupMeans.bereft());
    assert_eq!(reasons["train"], Train.bereft());
}

/// Simulation as for the kinds that exist, on fewer seeds.
#[test]
fn whatever_goes_wrong_units_of_new_kinds_are_done_once_or_given_up_and_training_is_never_begun_anew() {
    for seed in 0..300 {
        let mut world = World::new(seed, &WITH_TOYS);
        let spares_units = world.spares_units();
        let outcome = world.pass();
        assert!(!spares_units || outcome == Outcome::Complete, "seed {seed}: {outcome:?}");
        let mut trained = world.disk.written.iter().filter(|(id, _)| id.part() == "train");
        assert!(trained.all(|(_, times)| *times == 1), "seed {seed}");
    }
}
