//! The fleet: workers that were started, their connections, and one stream of events.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::access::{Access, Running};
use protocol::handshake::secret;
use protocol::message::ToWorker;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::error::FleetError;
use crate::event::{Event, WorkerId};
use crate::health::gauge::Gauge;
use crate::health::{self, Watched};
use crate::launchers::poller::Poller;
use crate::launchers::{Entry, Job, Launcher, State, Ticket};
use crate::listener::{self, Admission};
use crate::roster::{self, Roster};
use crate::slot::Slot;
use crate::worker_program::Worker;

/// Settings of a fleet.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Slots for workers.
    pub slots: Vec<Slot>,
    /// Logs of workers: this path with `-<slot>.log` behind it.
    pub logs: PathBuf,
    /// Lease: a worker that hears nothing for so long ends itself.
    pub lease: Duration,
    /// The file by which workers find this scheduler again, and by which the next scheduler finds the workers.
    pub access: PathBuf,
    /// Identity of the sweep and its devices: workers of another sweep are sent away.
    pub sweep: String,
}

/// The workers of one scheduler.
pub struct Fleet {
    worker: Worker,
    launcher: Arc<dyn Launcher>,
    settings: Settings,
    roster: Roster,
    poller: Poller,
    /// Tickets of workers that were not seen to end, by slot.
    tickets: HashMap<usize, Ticket>,
    lines: HashMap<WorkerId, mpsc::UnboundedSender<ToWorker>>,
    events: mpsc::UnboundedSender<Event>,
    happened: mpsc::UnboundedReceiver<Event>,
}

impl Fleet {
    /// Starts to listen, at the address of the scheduler before if that is free. Starts no worker yet.
    pub async fn open(worker: Worker, launcher: &Entry, settings: Settings) -> Result<Self, FleetError> {
        let failed = |source| FleetError::Listen { address: settings.listen.clone(), source };
        let before = Access::read(&settings.access).unwrap_or_default();
        let listener = listen(&settings.listen, &before.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let token = if before.token.is_empty() { secret().map_err(failed)? } else { before.token.clone() };
        let (events, happened) = mpsc::unbounded_channel();
        let (slots, lease, sweep) = (settings.slots.len(), settings.lease, settings.sweep.clone());
        let admission = Admission { token: token.clone(), slots, lease, sweep };
        tokio::spawn(listener::listen(listener, admission, events.clone()));
        let launcher = (launcher.build)();
        let poller = Poller::start(Arc::clone(&launcher), tell(events.clone()))
            .map_err(|source| FleetError::Watch { source })?;
        let (tickets, lines) = (HashMap::new(), HashMap::new());
        let roster = Roster::open(settings.access.clone(), Access { address, token, ..Access::default() })?;
        let mut fleet = Self { worker, launcher, settings, roster, poller, tickets, lines, events, happened };
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

    /// Process ids of all workers; `None` if the id of one of them is not known.
    pub fn pids(&self) -> Option<BTreeSet<u32>> {
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
            let event = self.happened.recv().await?;
            match &event {
                Event::Connected { worker, slot, instance, line, .. } => {
                    if !self.roster.knows(*slot, *instance) {
                        tracing::warn!(
                            worker = worker.0,
                            slot,
                            "a process that was not started for this slot is sent away"
                        );
                        let _ = line.send(ToWorker::Stop);
                        continue;
                    }
                    self.lines.insert(*worker, line.clone());
                }
                // Events of a worker that was sent away are dropped.
                Event::Disconnected { worker } if self.lines.remove(worker).is_none() => continue,
                Event::Message { worker, .. } if !self.lines.contains_key(worker) => continue,
                Event::Disconnected { .. }
                | Event::Message { .. }
                | Event::Queued { .. }
                | Event::Began { .. }
                | Event::Health { .. } => {}
                Event::Exited { slot, .. } => {
                    self.tickets.remove(slot);
                    self.roster.remove(*slot);
                }
            }
            return Some(event);
        }
    }

    /// Starts a worker for `slot`, or puts it into the queue of the launcher.
    pub fn launch(&mut self, slot: usize) -> Result<(), FleetError> {
        let place = &self.settings.slots[slot];
        let instance = Roster::instance();
        let access = self.settings.access.to_string_lossy();
        let (number, instance_number) = (slot.to_string(), instance.to_string());
        let arguments = ["run", "--connect", self.roster.address(), "--access", &access];
        let arguments = arguments.into_iter().chain(["--slot", &number, "--instance", &instance_number]);
        let job = Job {
            program: self.worker.program().to_owned(),
            arguments: arguments.map(str::to_owned).collect(),
            token: self.roster.token().to_owned(),
            log: PathBuf::from(format!("{}-{slot}.log", self.settings.logs.display())),
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
        if let Some(line) = self.lines.get(&worker) {
            let _ = line.send(message);
        }
    }

    /// Ends the worker of `slot` without asking; [`Event::Exited`] follows.
    pub fn kill(&self, slot: usize) {
        if let Some(ticket) = self.tickets.get(&slot) {
            self.launcher.end(ticket);
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
            State::Unknown => return,
        };
        let _ = events.send(event);
    }
}

/// Listens at the address `wanted`. If `wanted` leaves the port open, listens at the address `before`, if that is free.
async fn listen(wanted: &str, before: &str) -> std::io::Result<TcpListener> {
    let host = |address: &str| address.rsplit_once(':').map(|(host, _)| host.to_owned());
    if wanted.ends_with(":0")
        && host(wanted) == host(before)
        && let Ok(listener) = TcpListener::bind(before).await
    {
        return Ok(listener);
    }
    TcpListener::bind(wanted).await
}
