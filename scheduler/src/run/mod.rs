//! Running of a sweep: events go to the core, and the actions of the core to the fleet, the stores and the listeners.

mod at_end;
mod background;
mod batch_sizes;
mod events;
mod happening;
mod listeners;
mod recorder;
pub(crate) mod shown;
pub(crate) mod sweep_id;
pub(crate) mod tasks;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::launchers::Place;
use fleet::{Fleet, Settings, Worker};
use protocol::message::ToWorker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::interval;

use self::tasks::{closes, forecast, relative_times, tasks};
use crate::core::{Action, Core, Event, Outcome, Policy};
use crate::lock::Lock;
use crate::tell::forecast::works;
use crate::tell::{Progress, duration, summary};
use events::{not_launched, told};
use happening::Happening;
use listeners::Listeners;
use plan::exit::{Code, Failure};
use plan::work::of_shards;
use plan::{Batches, Plan};
use recorder::Recorder;
use shown::Shown;

/// Time between two checks of leases and deadlines.
const TICK: Duration = Duration::from_millis(200);
/// Files that workers read: one for each dataset and for each set of weights.
pub(crate) fn reads(plan: &Plan) -> Vec<PathBuf> {
    let homes = plan.groups.iter().flat_map(|planned| {
        let (_, weights, images) = planned.group.home();
        [weights.to_owned(), images.to_owned()]
    });
    homes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Runs `plan` to its end: `afresh`, or with the failures of an earlier sweep that was cut off. The output folder is locked.
pub(crate) fn run(
    (plan, afresh, lock): (&Plan, bool, Lock),
    (batches, mut shown): (Batches, Shown),
    worker: Worker,
    settings: Settings,
    progress: &Progress,
) -> Result<Code, Failure> {
    let failed =
        |error: std::io::Error| Failure { code: Code::Workers, text: format!("cannot start the runtime: {error}") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(async {
        let policy = Policy {
            max_retries: plan.config.scheduler.max_retries,
            lease: settings.lease,
            unit_timeout: Duration::try_from_secs_f64(plan.config.scheduler.task_timeout).unwrap_or(Duration::MAX),
            lets_go: plan.launcher.place() != Place::Here,
        };
        let tasks = tasks(plan, &batches);
        let relative_times = relative_times(plan, &batches);
        if let Some(seconds) = forecast(&tasks, &relative_times) {
            tracing::info!(seconds, "forecast of the end, by the profile of batch sizes");
            progress.note(&format!("about {}, by the profile of preflight", duration(seconds)));
        }
        shown.forecast(works(plan, &tasks));
        progress.follow(shown.live(), &settings.logs);
        let maps = tasks.iter().map(|task| task.maps).sum();
        let mut core = Core::new(tasks, &closes(plan), plan.slots.len(), policy);
        core.set_relative_times(relative_times);
        for count in if afresh { Vec::new() } else { Recorder::counts(plan) } {
            core.remember(&count.unit, &count.class, count.times);
        }
        let fleet = Fleet::open(worker, Arc::clone(&plan.launcher), settings).await?;
        fleet.watch(fleet::PERIOD, fleet::NvmlGauge::open);
        let interrupts =
            (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
        let listeners = Listeners::new((plan, afresh, lock), (batches, shown), progress);
        let run = Run { plan, core, fleet, listeners, progress, began: Instant::now() };
        run.drive(maps, interrupts).await
    })?;
    Ok(outcome)
}

struct Run<'a> {
    plan: &'a Plan,
    core: Core,
    fleet: Fleet,
    listeners: Listeners<'a>,
    progress: &'a Progress,
    began: Instant,
}

impl Run<'_> {
    async fn drive(mut self, maps: u64, (mut interrupt, mut terminate): (Signal, Signal)) -> Result<Code, Failure> {
        self.listeners.tell(&Happening::Begun { maps });
        let units = of_shards(&self.plan.units);
        tracing::info!(groups = self.plan.groups.len(), units, maps, "the sweep begins");
        let mut ticks = interval(TICK);
        let actions = self.core.start(self.began.elapsed(), &self.fleet.adopted());
        let mut outcome = self.act(actions);
        while outcome.is_none() {
            let mut before = None;
            let event = tokio::select! {
                event = self.fleet.next() => match event {
                    Some(event) => {
                        if let Some(happening) = events::happening(&event, &self.fleet) {
                            self.listeners.tell(&happening);
                        }
                        before = events::end_of_job(&event);
                        told(event)
                    }
                    None => continue,
                },
                Some(event) = self.listeners.background.next() => event?,
                Some(()) = self.listeners.shown.wishes.recv() => Event::Retry,
                _ = interrupt.recv() => Event::Interrupt,
                _ = terminate.recv() => Event::Interrupt,
                _ = ticks.tick() => {
                    self.listeners.tell(&Happening::Tick);
                    Event::Tick
                }
            };
            outcome = before.and_then(|before| self.think(before)).or_else(|| self.think(event));
        }
        let outcome = outcome.unwrap_or(Outcome::Interrupted);
        self.listeners.tell(&Happening::Over { outcome: &outcome });
        summary::tell(self.plan, &self.listeners.totals, self.began.elapsed(), &outcome, self.progress)
    }

    /// Hands `event` to the core and carries the actions out; the outcome, if the sweep has ended.
    fn think(&mut self, event: Event) -> Option<Outcome> {
        if matches!(event, Event::Interrupt) {
            tracing::warn!("stopping; what is written stays, and the same command goes on");
        }
        let exited = if let Event::Exited { slot, .. } = event { Some(slot) } else { None };
        let actions = self.core.on_event(self.began.elapsed(), event);
        let outcome = self.act(actions);
        if let Some(slot) = exited {
            self.listeners.tell(&Happening::Vacated { slot });
        }
        outcome
    }

    /// Carries out `actions` and all that follow from them; the outcome, if the sweep has ended.
    fn act(&mut self, actions: Vec<Action>) -> Option<Outcome> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Launch(slot) => {
                    if let Err(error) = self.fleet.launch(slot) {
                        actions.extend(self.core.on_event(self.began.elapsed(), not_launched(slot, error)));
                    }
                }
                Action::Grant { worker, task, attempt } => {
                    let unit = self.plan.units[task].clone();
                    self.listeners.tell(&Happening::Granted { worker, unit: &unit.id(), attempt });
                    let batches = self.listeners.sizes.granted(worker, &unit);
                    self.fleet.send(worker, ToWorker::Grant { unit, attempt, batches });
                }
                Action::Send(worker, message) => self.fleet.send(worker, message),
                Action::Kill(slot) => self.fleet.kill(slot),
                Action::LeaveBehind(slot) => self.leave_behind(slot),
                Action::Blame { unit, attempt, class, text } => {
                    self.listeners.tell(&Happening::Blamed { unit: &unit, attempt, class, text: &text });
                }
                Action::GiveUp(unit) => self.listeners.tell(&Happening::GivenUp { unit: &unit }),
                Action::TryAgain(unit) => self.listeners.tell(&Happening::TriedAgain { unit: &unit }),
                Action::Count { maps, report, .. } => {
                    self.listeners.tell(&Happening::Counted { maps, report: &report, since: self.began.elapsed() });
                }
                Action::Close(group) => self.listeners.background.close(group),
                Action::Try => self.listeners.background.try_output_folder(self.fleet.pids()),
                Action::End(outcome) => return Some(outcome),
            }
        }
        None
    }

    fn leave_behind(&mut self, slot: usize) {
        let (pid, device) = (self.fleet.pid(slot).unwrap_or_default(), self.plan.slots[slot].name.as_str());
        tracing::warn!(slot, pid, "a worker that was killed does not end");
        self.listeners.tell(&Happening::LeftBehind { device, pid });
        self.listeners.tell(&Happening::Vacated { slot });
    }
}
