//! Carries events to the core and its actions to the fleet, the stores and the person.

use std::time::{Duration, Instant};

use fleet::{Fleet, FleetError, Settings, Worker};
use sweep::message::{FromWorker, Report, ToWorker};
use sweep::unit::{Unit, UnitId};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::interval;

use crate::core::{Action, Core, Event, Outcome, Policy, Unwritable};
use crate::errands::Errands;
use crate::lock::Lock;
use crate::progress::{Progress, duration};
use crate::recorder::Recorder;
use crate::sizing::Sizing;
use crate::summary::{self, Totals};
use crate::tasks::{forecast, means, paces, units};
use plan::exit::{Code, Failure};
use plan::{Batches, Plan};

/// How often leases and deadlines are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How many of these pass between two looks at the output folder.
const TICKS: u32 = 10;

/// Runs `plan` to its end: `afresh`, or with the failures of a sweep before it that was cut off. The output folder is locked.
pub(crate) fn run(
    (plan, afresh, lock): (&Plan, bool, Lock),
    batches: Batches,
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
        };
        let units = units(plan, &batches);
        let paces = paces(plan, &batches);
        if let Some(seconds) = forecast(&units, &paces) {
            tracing::info!(seconds, "forecast of the end, by the profile of batch sizes");
            progress.tell(&format!("about {}, by the profile of preflight", duration(seconds)));
        }
        let mut core = Core::new(units, means(plan), plan.slots.len(), policy);
        core.pace(paces);
        for count in if afresh { Vec::new() } else { Recorder::counts(plan) } {
            core.remember(&UnitId(count.unit), &count.class, count.times);
        }
        let fleet = Fleet::open(worker, plan.launcher, settings).await?;
        fleet.watch(fleet::PERIOD, fleet::NvmlGauge::open);
        let interrupts =
            (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
        let sizing = Sizing::new(plan, batches);
        let (recorder, totals, began) = (Recorder::begin(plan, afresh), Totals::new(), Instant::now());
        let errands = Errands::new(plan, lock);
        let run = Run { plan, core, fleet, sizing, progress, recorder, errands, totals, began, ticks: 0 };
        run.drive(interrupts).await
    })?;
    Ok(outcome)
}

struct Run<'a> {
    plan: &'a Plan,
    core: Core,
    fleet: Fleet,
    sizing: Sizing<'a>,
    progress: &'a Progress,
    recorder: Recorder,
    errands: Errands,
    totals: Totals,
    began: Instant,
    ticks: u32,
}

impl Run<'_> {
    async fn drive(mut self, (mut interrupt, mut terminate): (Signal, Signal)) -> Result<Code, Failure> {
        let maps = self.plan.units.iter().map(Unit::maps).sum();
        self.progress.begin(maps);
        tracing::info!(groups = self.plan.groups.len(), units = self.plan.units.len(), maps, "the sweep begins");
        let mut ticks = interval(TICK);
        let actions = self.core.start(self.began.elapsed(), &self.fleet.adopted());
        let mut outcome = self.act(actions);
        while outcome.is_none() {
            let event = tokio::select! {
                event = self.fleet.next() => match event {
                    Some(event) => {
                        self.recorder.heard(&event, |slot| self.fleet.pid(slot));
                        told(event)
                    }
                    None => continue,
                },
                Some(event) = self.errands.next() => event?,
                _ = interrupt.recv() => Event::Interrupt,
                _ = terminate.recv() => Event::Interrupt,
                _ = ticks.tick() => Event::Tick,
            };
            if matches!(event, Event::Tick) {
                self.progress.look();
                self.ticks += 1;
                if self.ticks.is_multiple_of(TICKS) {
                    self.errands.look();
                }
            }
            if matches!(event, Event::Interrupt) {
                tracing::warn!("stopping; what is written stays, and the same command goes on");
            }
            self.size(&event);
            self.note(&event);
            let exited = if let Event::Exited { slot, .. } = event { Some(slot) } else { None };
            let actions = self.core.on_event(self.began.elapsed(), event);
            outcome = self.act(actions);
            if let Some(slot) = exited {
                self.recorder.exited(slot);
            }
        }
        self.sizing.save();
        self.progress.end();
        let outcome = outcome.unwrap_or(Outcome::Interrupted);
        self.recorder.over(&outcome);
        summary::tell(self.plan, &self.totals, self.began.elapsed(), outcome)
    }

    /// Does `actions` and those that follow from them; the outcome, if the sweep has ended.
    fn act(&mut self, actions: Vec<Action>) -> Option<Outcome> {
        let mut actions = std::collections::VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Launch(slot) => {
                    if let Err(error) = self.fleet.launch(slot) {
                        actions.extend(self.core.on_event(self.began.elapsed(), not_launched(slot, error)));
                    }
                }
                Action::Send(worker, message) => {
                    self.recorder.said(worker, &message);
                    let message = match message {
                        ToWorker::Grant { unit, attempt } => {
                            ToWorker::Grant { unit: self.sizing.granted(worker, unit), attempt }
                        }
                        other => other,
                    };
                    self.fleet.send(worker, message);
                }
                Action::Kill(slot) => self.fleet.kill(slot),
                Action::LeaveBehind(slot) => self.leave_behind(slot),
                Action::Blame { unit, attempt, class, text } => self.recorder.blamed(unit, attempt, class, text),
                Action::Count { maps, report, .. } => self.count(maps, &report),
                Action::Close(group) => self.errands.close(&self.plan.groups[group], group),
                Action::Try => self.errands.try_storage(self.fleet.pids()),
                Action::End(outcome) => return Some(outcome),
            }
        }
        None
    }

    /// What `event` says about batch sizes, which the core does not care about.
    fn size(&mut self, event: &Event) {
        match event {
            Event::Connected { worker, slot, .. } => self.sizing.connected(*worker, *slot),
            Event::Message { worker, message: FromWorker::Done { unit, report, .. } } => {
                self.sizing.learn(*worker, unit, report);
            }
            Event::Exited { slot, how } => self.sizing.exited(*slot, *how),
            _ => {}
        }
    }

    /// What computed the maps of a unit that is done: stores say it.
    fn note(&mut self, event: &Event) {
        let Event::Message { message: FromWorker::Done { unit, report, .. }, .. } = event else { return };
        for maker in &report.computed_by {
            self.errands.note(self.plan, unit.group(), maker);
        }
        if let Some(reason) = &report.fell_back
            && self.totals.fell_back.insert(reason.clone())
        {
            tracing::error!(%unit, reason, "the plain graph computes");
        }
    }

    fn leave_behind(&mut self, slot: usize) {
        let (pid, device) = (self.fleet.pid(slot).unwrap_or_default(), &self.plan.slots[slot].name);
        tracing::warn!(slot, pid, "a worker that was killed does not end");
        self.progress.tell(&format!(
            "process {pid} on {device} was killed and does not end: it waits inside the system (for a driver or a disk). It is \
             left behind, and {device} is left alone until it has ended"
        ));
        self.recorder.exited(slot);
    }

    fn count(&mut self, maps: u64, report: &Report) {
        self.totals.add(report, self.began.elapsed());
        self.progress.advance(maps);
    }
}

/// A worker that was not started, by whose fault.
fn not_launched(slot: usize, error: FleetError) -> Event {
    let of_disk = matches!(error, FleetError::Log { .. });
    let reason = Failure::from(error).text;
    if of_disk {
        Event::Unwritable { what: Unwritable::Log { slot }, reason }
    } else {
        Event::LaunchFailed { slot, reason }
    }
}

/// The core's view of what happens to the fleet.
fn told(event: fleet::Event) -> Event {
    match event {
        fleet::Event::Connected { worker, slot, device, holds, .. } => {
            let units = holds.as_ref().map(Vec::len);
            tracing::info!(worker = worker.0, slot, device, units, "worker connected");
            Event::Connected { worker, slot, holds }
        }
        fleet::Event::Message { worker, message } => Event::Message { worker, message },
        fleet::Event::Disconnected { worker } => Event::Disconnected { worker },
        fleet::Event::Queued { slot } => {
            tracing::info!(slot, "worker waits in a queue");
            Event::Queued { slot }
        }
        fleet::Event::Began { slot } => {
            tracing::info!(slot, "worker has left the queue");
            Event::Began { slot }
        }
        fleet::Event::Exited { slot, how } => {
            tracing::info!(slot, ?how, "worker ended");
            Event::Exited { slot, how }
        }
        fleet::Event::Health { slot, condition } => {
            tracing::info!(slot, ?condition, "health of a GPU");
            Event::Health { slot, condition }
        }
    }
}
