//! Page of a sweep that runs: what all listeners hear is kept for whoever looks.

mod open;
mod told;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use fleet::WorkerId;
use page::{Device, Live, Page};
use protocol::about::About;
use protocol::message::{Failure as Class, FromWorker};
use sweep::unit::UnitId;
use tokio::sync::mpsc;

use crate::core::Outcome;
use crate::run::happening::{Happening, Listener};
use crate::tell::forecast::{Forecast, Work};
use crate::tell::{FailedAttempt, Progress};
pub(crate) use open::open;
use told::{failed, machine, now, running};

/// Seconds over which the speed is taken.
const LATELY: f64 = 120.0;
/// Ticks between two looks at the time that is left and at the memory of workers: there are five ticks a second.
const TICKS: u32 = 5;
/// State of this run for its page. Without a page the state is kept all the same, and nobody looks.
pub(crate) struct Shown {
    live: Arc<Live>,
    /// Wishes that units that were given up are tried again.
    pub(in crate::run) wishes: mpsc::UnboundedReceiver<()>,
    /// End of the line of wishes that stays open where there is no page.
    _wish: mpsc::UnboundedSender<()>,
    slot_of: HashMap<WorkerId, usize>,
    /// Maps that were counted lately, and when.
    lately: VecDeque<(f64, u64)>,
    forecast: Forecast,
    /// Moment from which the forecast counts its seconds: the time of day may be set while the sweep runs.
    opened: Instant,
    ticks: u32,
    /// Slots whose workers are processes of this machine that compute in its memory.
    here: Vec<bool>,
    progress: Progress,
    _page: Option<Page>,
}

impl Shown {
    /// State that is shown.
    pub(in crate::run) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Sets the work whose end is forecast.
    pub(in crate::run) fn forecast(&mut self, works: Vec<Work>) {
        self.forecast = Forecast::new(works, self.here.len());
        self.look_ahead();
    }

    fn look_ahead(&self) {
        let left = self.forecast.left(self.opened.elapsed().as_secs_f64());
        let mut told = self.live.told();
        (told.left, told.unknown) = (left.map(|left| left.seconds), left.map_or(0, |left| left.unknown));
    }

    /// Looks at the time that is left and at the memory of workers, once a second.
    fn ticked(&mut self) {
        self.ticks += 1;
        if !self.ticks.is_multiple_of(TICKS) {
            return;
        }
        self.look_ahead();
        let mut told = self.live.told();
        for (device, _) in told.devices.iter_mut().zip(&self.here).filter(|(_, is_here)| **is_here) {
            device.memory = device.pid.map(machine::process::anonymous_memory).filter(|bytes| *bytes > 0);
        }
    }

    /// Tells of a failure, with the device whose worker holds the unit.
    fn failed(&self, unit: &UnitId, attempt: u32, class: &str, error: &str) {
        let unit_name = unit.to_string();
        let mut told = self.live.told();
        let holder = told.devices.iter_mut().find(|device| device.units.iter().any(|held| held.unit == unit_name));
        let on = holder.map(|device| {
            device.units.retain(|held| held.unit != unit_name);
            (device.slot, device.name.clone())
        });
        failed(&mut told, unit, attempt, class, error);
        drop(told);
        // A store that cannot be written is no fault of each unit: the sweep says once that it waits.
        if class != format!("{:?}", Class::Storage) {
            let on = on.as_ref().map(|(slot, name)| (*slot, name.as_str()));
            self.progress.failed(&FailedAttempt { unit: &unit_name, attempt, class, error, on });
        }
    }

    /// Does something with what is told of the device that `worker` serves.
    fn device(&self, worker: WorkerId, change: impl FnOnce(&mut Device)) {
        let Some(slot) = self.slot_of.get(&worker) else { return };
        if let Some(device) = self.live.told().devices.get_mut(*slot) {
            change(device);
        }
    }

    fn connected(
        &mut self,
        (worker, slot): (WorkerId, usize),
        pid: Option<u32>,
        about: Option<&About>,
        holds: &[(UnitId, u32)],
    ) {
        self.slot_of.insert(worker, slot);
        let now_here = self.opened.elapsed().as_secs_f64();
        self.forecast.connected(slot);
        for (unit, _) in holds {
            self.forecast.granted(slot, unit, now_here);
        }
        let mut told = self.live.told();
        let Some(device) = told.devices.get_mut(slot) else { return };
        (device.works, device.pid, device.machine) = (true, pid, about.map(machine));
        device.units = holds.iter().map(|(unit, attempt)| running(unit, *attempt)).collect();
        let text = format!("a worker has begun on {}", device.name);
        told.add_line(now(), text, false);
    }

    fn said(&mut self, worker: WorkerId, message: &FromWorker) {
        let (slot, here) = (self.slot_of.get(&worker).copied(), self.opened.elapsed().as_secs_f64());
        match (message, slot) {
            (FromWorker::Done { unit, .. }, Some(slot)) => self.forecast.done(slot, unit, here),
            (FromWorker::Failed { unit, .. } | FromWorker::Returned { unit, .. }, Some(slot)) => {
                self.forecast.dropped(slot, unit, here);
            }
            _ => {}
        }
        match message {
            FromWorker::Done { unit, report, .. } => {
                self.device(worker, |device| {
                    device.maps += report.maps;
                    device.computing += report.computing;
                    // The time of scores and of mean images says nothing of the speed of maps.
                    device.mapping += if report.maps > 0 { report.computing } else { 0.0 };
                    device.bytes += report.bytes;
                    device.units.retain(|held| held.unit != unit.to_string());
                });
                let unit = unit.to_string();
                self.live.told().failed.retain(|failed| failed.unit != unit);
            }
            FromWorker::Failed { unit, attempt, class, text } => {
                self.failed(unit, *attempt, &format!("{class:?}"), text);
            }
            FromWorker::Returned { unit, .. } => {
                self.device(worker, |device| device.units.retain(|held| held.unit != unit.to_string()));
            }
            _ => {}
        }
    }

    fn counted(&mut self, maps: u64) {
        let now = now();
        self.lately.push_back((now, maps));
        while self.lately.front().is_some_and(|(at, _)| now - at > LATELY) {
            self.lately.pop_front();
        }
        let mut told = self.live.told();
        told.done += maps;
        // The first units of a run count from its beginning.
        let since = (now - LATELY).max(told.began);
        let made: u64 = self.lately.iter().map(|(_, maps)| maps).sum();
        told.rate = (now > since && made > 0).then(|| made as f64 / (now - since));
        drop(told);
        self.look_ahead();
    }

    /// Notes that the process of a slot is gone.
    fn vacated(&mut self, slot: usize) {
        self.slot_of.retain(|_, of| *of != slot);
        self.forecast.vacated(slot);
        let mut told = self.live.told();
        let Some(device) = told.devices.get_mut(slot) else { return };
        (device.works, device.pid, device.memory, device.machine) = (false, None, None, None);
        device.units.clear();
        let text = format!("the worker on {} has ended", device.name);
        told.add_line(now(), text, false);
    }
}

impl Listener for Shown {
    fn hear(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Begun { maps } => {
                let mut told = self.live.told();
                (told.maps, told.began) = (*maps, now());
                told.add_line(now(), format!("the sweep begins: {maps} maps"), false);
            }
            Happening::Connected { worker, slot, pid, about, holds, .. } => {
                self.connected((*worker, *slot), *pid, *about, holds);
            }
            Happening::Said { worker, message } => self.said(*worker, message),
            Happening::Granted { worker, unit, attempt } => {
                self.device(*worker, |device| device.units.push(running(unit, *attempt)));
                if let Some(slot) = self.slot_of.get(worker) {
                    self.forecast.granted(*slot, unit, self.opened.elapsed().as_secs_f64());
                }
            }
            Happening::Counted { maps, .. } => self.counted(*maps),
            Happening::Blamed { unit, attempt, class, text } => {
                self.failed(unit, *attempt, class, text);
            }
            Happening::GivenUp { unit } => self.forecast.given_up(unit),
            Happening::TriedAgain { unit } => self.forecast.tried_again(unit),
            Happening::LeftBehind { device, pid } => {
                let text = format!("process {pid} on {device} was killed and does not end");
                self.live.told().add_line(now(), text, true);
            }
            Happening::Vacated { slot } => self.vacated(*slot),
            Happening::Over { outcome } => {
                let words = match outcome {
                    Outcome::Complete => "complete".to_owned(),
                    Outcome::Interrupted => "interrupted".to_owned(),
                    Outcome::Incomplete(units) => format!("{} units failed", units.len()),
                    Outcome::NoWorkers(reason) => reason.clone(),
                };
                let mut told = self.live.told();
                told.add_line(now(), format!("the sweep has ended: {words}"), false);
                told.outcome = Some(words);
            }
            Happening::Tick => self.ticked(),
            Happening::Exited { .. } => {}
        }
    }
}
