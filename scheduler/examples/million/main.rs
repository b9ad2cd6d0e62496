//! What the scheduler's thinking costs: a sweep of a million units, all of which are done at once.
//!
//! `cargo run --release -p scheduler --example million [UNITS [DEVICES]]`

#[path = "../../src/core/mod.rs"]
#[allow(dead_code, reason = "the scheduler uses all of it")]
mod core;
mod group;
#[path = "../../src/run/tasks.rs"]
#[allow(dead_code, reason = "the scheduler uses all of it")]
mod tasks;

use std::collections::VecDeque;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::WorkerId;
use plan::work::{Attribute, GroupMeans, KINDS, Kind};
use protocol::message::{FromWorker, Report, ToWorker};
use sweep::granted_batches::GrantedBatches;
use sweep::group::Group;
use sweep::unit::{Part, Unit};

use crate::core::{Action, Core, Event, Policy};
use crate::group::{PER_MODEL, batches, group};

/// As in a large study.
const MODELS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let units = arguments.next().map_or(Ok(1_000_000), |units| units.parse())?;
    let devices = arguments.next().map_or(Ok(64), |devices| devices.parse())?;
    let (before, began) = (machine::this_process::peak(), Instant::now());
    let groups: Vec<_> = (0..MODELS * PER_MODEL).map(|index| group(index, units / (MODELS * PER_MODEL))).collect();
    let units = list(&groups);
    let tasks = tasks::of_units(&KINDS, &units, &names(&groups), &|unit| Some(seconds(&unit.group)));
    let made = began.elapsed();
    let policy = Policy {
        max_retries: 1,
        lease: Duration::from_secs(20),
        unit_timeout: Duration::from_hours(1),
        lets_go: false,
    };
    let began = Instant::now();
    let mut core = Core::new(tasks, &vec![true; groups.len()], devices, policy);
    let first = core.start(Duration::ZERO, &[]);
    let start = began.elapsed();
    let mut sweep = Sweep {
        core,
        units,
        batches: batches(),
        began: Instant::now(),
        encoded: 0,
        encoding: Duration::ZERO,
        done: 0,
        slowest: Duration::ZERO,
    };
    sweep.run(first)?;
    let took = sweep.began.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / sweep.done as f64;
    let lines = [
        format!("{} units in {} groups on {devices} devices", sweep.done, MODELS * PER_MODEL),
        format!("list of units        {:8.2} s", made.as_secs_f64()),
        format!("start                {:8.2} s", start.as_secs_f64()),
        format!("memory, units and all {:7} MiB", (machine::this_process::peak() - before) >> 20),
        format!(
            "thinking             {:8.2} us for each unit, {:.0} us at most",
            each(took.saturating_sub(sweep.encoding)),
            sweep.slowest.as_secs_f64() * 1e6
        ),
        format!(
            "grants as JSON       {:8.2} us for each unit, {} bytes",
            each(sweep.encoding),
            sweep.encoded / sweep.done
        ),
    ];
    Ok(writeln!(std::io::stdout(), "{}", lines.join("\n"))?)
}

struct Sweep {
    core: Core,
    units: Vec<Unit>,
    batches: Arc<GrantedBatches>,
    began: Instant,
    encoded: u64,
    encoding: Duration,
    done: u64,
    slowest: Duration,
}

impl Sweep {
    /// Every worker does at once what it is granted.
    fn run(&mut self, first: Vec<Action>) -> Result<(), Box<dyn Error>> {
        let mut actions = VecDeque::from(first);
        while let Some(action) = actions.pop_front() {
            let event = match action {
                Action::Launch(slot) => Event::Connected { worker: WorkerId(slot as u64 + 1), slot, holds: None },
                Action::Grant { worker, task, attempt } => {
                    let unit = self.units[task].clone();
                    let id = unit.id();
                    self.encode(&ToWorker::Grant { unit, attempt, batches: Arc::clone(&self.batches) })?;
                    self.done += 1;
                    let message = FromWorker::Done { unit: id, attempt, report: Report::default() };
                    Event::Message { worker, message }
                }
                Action::Close(group) => Event::Closed(group),
                _ => continue,
            };
            let (now, began) = (self.began.elapsed(), Instant::now());
            actions.extend(self.core.on_event(now, event));
            self.slowest = self.slowest.max(began.elapsed());
        }
        Ok(())
    }

    fn encode(&mut self, message: &ToWorker) -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        self.encoded += serde_json::to_vec(message)?.len() as u64;
        self.encoding += began.elapsed();
        Ok(())
    }
}

/// The shards of all groups, and the means of each.
fn list(groups: &[Arc<Group>]) -> Vec<Unit> {
    let shard = |group: &Arc<Group>, shard| Unit::of(Arc::clone(group), Attribute.name(), Part::Shard(shard));
    let shards = groups.iter().flat_map(|group| (0..group.shards()).map(move |index| shard(group, index)));
    let means = groups.iter().map(|group| Unit::of(Arc::clone(group), GroupMeans.name(), Part::Whole));
    shards.chain(means).collect()
}

fn names(groups: &[Arc<Group>]) -> Vec<Arc<str>> {
    groups.iter().map(|group| group.name().into()).collect()
}

/// Seconds for each image, which differ by model.
fn seconds(group: &Group) -> f64 {
    let model: f64 = group.model.trim_start_matches("model").parse().unwrap_or_default();
    (10.0 + model) / group.shard as f64
}
