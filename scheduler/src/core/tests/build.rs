//! Builders of sweeps for tests: groups, units, and a core whose tasks are made as a plan makes them.

use std::sync::Arc;

use plan::work::{KINDS, Kind};
use sweep::group::Group;
use sweep::unit::{Part, Unit};

use crate::core::{Core, Policy};

/// Group `index`, of `shards` shards of ten images, for one of three models.
pub(super) fn group(index: usize, shards: u64) -> Arc<Group> {
    testkit::group::group()
        .dataset(format!("d{index}"), "d.npz")
        .model(format!("m{}", index % 3), "m.pth")
        .images(10 * shards, 10)
        .variants(vec![testkit::group::variant("Saliency", "Saliency")])
        .share()
}

pub(super) fn means(group: &Arc<Group>) -> Unit {
    Unit::of(Arc::clone(group), "means", Part::Whole)
}

pub(super) fn shard(group: &Arc<Group>, shard: u64) -> Unit {
    Unit::of(Arc::clone(group), "attribute", Part::Shard(shard))
}

/// A unit of the group of this index, and seconds that it is forecast to take.
pub(super) struct Job {
    pub(super) group: usize,
    pub(super) unit: Unit,
    pub(super) forecast: Option<f64>,
}

pub(super) fn task(index: usize, group: &Arc<Group>, at: u64, forecast: Option<f64>) -> Job {
    Job { group: index, unit: shard(group, at), forecast }
}

/// A core, and the units that its tasks stand for.
pub(super) struct Sweep {
    pub(super) core: Core,
    pub(super) units: Vec<Unit>,
}

impl Sweep {
    /// A sweep of `jobs` and, for each group that is not closed, its means.
    pub(super) fn new(jobs: Vec<Job>, means: Vec<Option<Unit>>, slots: usize, policy: Policy) -> Self {
        let closes: Vec<bool> = means.iter().map(Option::is_some).collect();
        let means = means.into_iter().enumerate();
        let means = means.filter_map(|(group, unit)| Some(Job { group, unit: unit?, forecast: None }));
        Self::of_kinds(&KINDS, jobs.into_iter().chain(means).collect(), &closes, slots, policy)
    }

    /// Makes the tasks of `jobs` as a plan does, with their forecasts.
    pub(super) fn of_kinds(kinds: &[&dyn Kind], jobs: Vec<Job>, closes: &[bool], slots: usize, policy: Policy) -> Self {
        let mut names: Vec<Arc<str>> = closes.iter().map(|_| "".into()).collect();
        for job in &jobs {
            names[job.group] = job.unit.group.name().into();
        }
        let (units, forecasts): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.unit, job.forecast)).unzip();
        let mut tasks = crate::run::tasks::of_units(kinds, &units, &names, &|_| None);
        assert_eq!(tasks.len(), units.len());
        for (task, forecast) in tasks.iter_mut().zip(forecasts) {
            task.forecast = forecast;
        }
        Self { core: Core::new(tasks, closes, slots, policy), units }
    }
}
