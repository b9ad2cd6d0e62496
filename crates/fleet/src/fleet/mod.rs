//! The fleet: workers that were started, their connections, and one stream of events.

mod heard;
mod settings;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::access::{Access, Running};
use protocol::handshake::secret;
use protocol::message::ToWorker;
use tokio::sync::mpsc;

use crate::callers::listener::{self, Admission, Dismissed};
use crate::callers::reach;
use crate::callers::shared_folder::{SharedFolder, Told};
use crate::error::FleetError;
use crate::event::{Event, WorkerId};
use crate::health::gauge::Gauge;
use crate::health::{self, Watched};
use crate::launchers::poller::Poller;
use crate::launchers::{Job, Launcher, Place, State, Ticket};
use crate::roster::{self, Roster};
use crate::worker_program::Worker;

pub use settings::Settings;

/// The workers of one scheduler.
pub struct Fleet {
    worker: Worker,
    launcher: Arc<dyn Launcher>,
    settings: Settings,
    roster: Roster,
    poller: Poller,
    /// Tickets of workers that were not seen to end, by slot.
    tickets: HashMap<usize, Ticket>,
    lines: HashMap<WorkerId, (usize, mpsc::UnboundedSender<ToWorker>)>,
    /// Events that a launcher of other machines tells of connected workers: they count once the connection has ended.
    hearsay: HashMap<usize, Event>,
    /// Events that come next.
    next: VecDeque<Event>,
    /// How often the job of each slot was started before, with the number of its start.
    restarts: HashMap<usize, (u64, u32)>,
    dismissed: Dismissed,
    told: Told,
    /// Kept until the end: workers that start later look for it.
    _shared: Option<SharedFolder>,
    events: mpsc::UnboundedSender<Event>,
    happened: mpsc::UnboundedReceiver<Event>,
}

impl Fleet {
    /// Starts to listen, at the address of the scheduler before if that is free. Starts no worker yet.
    pub async fn open(worker: Worker, launcher: Arc<dyn Launcher>, settings: Settings) -> Result<Self, FleetError> {
        let failed = |source| FleetError::Listen { address: settings.listen.clone(), source };
        let before = Access::read(&settings.access).unwrap_or_default();
        let place = launcher.place();
        let (listener, address) = reach::listen(&settings.listen, &place, &before.address).await.map_err(failed)?;
        let token = if before.token.is_empty() { secret().map_err(failed)? } else { before.token.clone() };
        let (events, happened) = mpsc::unbounded_channel();
        let (slots, lease, sweep) = (settings.slots.len(), settings.lease, settings.sweep.clone());
        let folder = settings.access.parent().map(PathBuf::from).unwrap_or_default();
        let shared = match place {
            Place::Elsewhere { .. } => Some(SharedFolder::open(&folder, settings.reads.clone())?),
            Place::Here => None,
        };
        let (dismissed, told) = (Dismissed::default(), Told::default());
        let (token_of_callers, shown) = (token.clone(), shared.as_ref().map(|shared| shared.shared.clone()));
        let admission = Admission {
            token: token_of_callers,
            slots,
            lease,
            sweep,
            shared: shown,
            dismissed: Arc::clone(&dismissed),
        };
        tokio::spawn(listener::listen(listener, admission, events.clone()));
        let poller = Poller::start(Arc::clone(&launcher), tell(events.clone()))
            .map_err(|source| FleetError::Watch { source })?;
        let (tickets, lines) = (HashMap::new(), HashMap::new());
        let roster = Roster::open(settings.access.clone(), Access { address, token, ..Access::default() })?;
        let (hearsay, next, restarts) = (HashMap::new(), VecDeque::new(), HashMap::new());
        let mut fleet = Self {
            worker,
            launcher,
            settings,
            roster,
            poller,
            tickets,
            lines,
            hearsay,
            next,
            restarts,
            dismissed,
            told,
            _shared: shared,
            events,
            happened,
        };
        fleet.adopt(before.processes);
        Ok(fleet)
    }

    /// Slots in which a worker of an earlier scheduler lives.
    pub fn adopted(&self) -> Vec<usize> {
        self.tickets.keys().copied().collect()
    }

    /// Watches the health of the slots that are GPUs, with the gauge that `open` returns, every `period`; a change is an
    /// [`Event::Health`].
    pub fn watch(&self, period: Duration, open: impl FnOnce() -> Option<Box<dyn Gauge>> + Send + 'static) {
        let slots = self.settings.slots.iter().enumerate();
        let gpus = slots.filter_map(|(slot, place)| Some(Watched { slot, uuid: place.gpu.clone()? }));
        let gpus: Vec<Watched> = gpus.collect();
        if !gpus.is_empty() {
            let (tell, over) = (self.events.clone(), self.events.clone());
            let tell = move |slot, condition| drop(tell.send(Event::Health { slot, condition }));
            health::watch(gpus, period, open, (tell, move || over.is_closed()));
        }
    }

    /// Process id of the worker in `slot`, where its launcher knows one.
    pub fn pid(&self, slot: usize) -> Option<u32> {
        self.roster.pid(slot)
    }

    /// Whether workers run on other machines.
    pub fn is_elsewhere(&self) -> bool {
        self.launcher.place() != Place::Here
    }

    /// Process ids of all workers; `None` if the id of one of them is not known.
    pub fn pids(&self) -> Option<BTreeSet<u32>> {
        // A process that stands for a worker elsewhere is not the worker.
        (self.launcher.place() == Place::Here).then_some(())?;
        self.tickets.values().map(|ticket| ticket.pid).collect()
    }

    fn adopt(&mut self, processes: BTreeMap<usize, Running>) {
        for (slot, running) in processes {
            let ticket = roster::ticket(&running);
            if slot < self.settings.slots.len() && self.launcher.adopt(&ticket) {
                tracing::info!(slot, pid = running.pid, "a worker of an earlier scheduler lives");
                self.roster.add(slot, running);
                self.keep(slot, ticket);
            }
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = match self.next.pop_front() {
                Some(event) => event,
                None => self.happened.recv().await?,
            };
            if let Some(event) = self.checked(event) {
                return Some(event);
            }
        }
    }

    /// Starts a worker for `slot`, or puts it into the queue of the launcher.
    pub fn launch(&mut self, slot: usize) -> Result<(), FleetError> {
        let place = &self.settings.slots[slot];
        let instance = Roster::instance();
        let access = self.settings.access.to_string_lossy();
        // A worker elsewhere may start hours later, and reads then where the scheduler is.
        let here = ["--connect", self.roster.address()].into_iter().filter(|_| self.launcher.place() == Place::Here);
        let options = self.settings.options.iter().map(String::as_str);
        let arguments = ["run"].into_iter().chain(here).chain(["--access", &*access]).chain(options);
        let job = Job {
            program: self.worker.program().to_owned(),
            arguments: arguments.map(str::to_owned).collect(),
            slot,
            instance,
            token: self.roster.token().to_owned(),
            logs: self.settings.logs.clone(),
        };
        let ticket = self.launcher.launch(place, &job)?;
        self.roster.add(slot, roster::entry(instance, &ticket, place.gpu.clone()));
        self.keep(slot, ticket);
        Ok(())
    }

    fn keep(&mut self, slot: usize, ticket: Ticket) {
        self.poller.watch(slot, ticket.clone());
        self.tickets.insert(slot, ticket);
    }

    /// Sends `message` to `worker`, if it is still connected.
    pub fn send(&self, worker: WorkerId, message: ToWorker) {
        if let Some((_, line)) = self.lines.get(&worker) {
            let _ = line.send(message);
        }
    }

    /// Ends the worker of `slot` without asking; [`Event::Exited`] follows.
    pub fn kill(&mut self, slot: usize) {
        let Some(ticket) = self.tickets.get(&slot) else { return };
        self.launcher.end(ticket);
        if self.launcher.place() != Place::Here {
            // It may not be found: it is not heard any more, so that its lease runs out.
            if let Some(instance) = self.roster.instance_of(slot) {
                self.dismissed.lock().unwrap_or_else(PoisonError::into_inner).insert(instance);
            }
            self.lines.retain(|_, (of, _)| *of != slot);
            self.poller.connected(slot, false);
            self.next.extend(self.hearsay.remove(&slot));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.launcher.close();
    }
}

/// Sends what the launcher has seen as events.
fn tell(events: mpsc::UnboundedSender<Event>) -> impl Fn(usize, State) + Send + 'static {
    move |slot, state| {
        let event = match state {
            State::Queued => Event::Queued { slot },
            State::Running => Event::Began { slot },
            State::Ended(how) => Event::Exited { slot, how },
            State::Refused(reason) => Event::Refused { slot, reason },
            State::Unknown => return,
        };
        let _ = events.send(event);
    }
}
