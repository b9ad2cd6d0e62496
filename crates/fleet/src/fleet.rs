//! The fleet: processes that were started, workers that called, and one stream of what happens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use machine::process::identity;
use sweep::access::{Access, Running};
use sweep::greeting::secret;
use sweep::message::{FromWorker, ToWorker};
use sweep::unit::UnitId;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::health::{self, Condition, Gauge, Watched};
use crate::hearing::{self, Door, WorkerId};
use crate::launchers::adopted::Adopted;
use crate::launchers::{Ended, Entry, Job, Launcher, Process};
use crate::roll::Roll;
use crate::{FleetError, Slot, Worker};

/// What happens to the fleet.
#[derive(Debug)]
pub enum Event {
    /// A worker called and was let in.
    Connected {
        /// Its connection.
        worker: WorkerId,
        /// Which device it serves.
        slot: usize,
        /// Which starting of a process for the slot it is.
        instance: u64,
        /// What it holds, if it calls again.
        holds: Option<Vec<(UnitId, u32)>>,
        /// The device as the worker found it.
        device: String,
        /// The way back to it.
        line: mpsc::UnboundedSender<ToWorker>,
    },
    /// A worker said something.
    Message {
        /// Its connection.
        worker: WorkerId,
        /// What it said.
        message: FromWorker,
    },
    /// A connection has ended.
    Disconnected {
        /// Which.
        worker: WorkerId,
    },
    /// The process of a slot has ended.
    Exited {
        /// Which.
        slot: usize,
        /// How.
        how: Ended,
    },
    /// A GPU is in another condition than before.
    Health {
        /// Whose.
        slot: usize,
        /// How it is now.
        condition: Condition,
    },
}

/// How a fleet is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// Logs of workers go there, each with `-<place>.log` behind it.
    pub logs: PathBuf,
    /// A worker that hears nothing for so long ends itself.
    pub lease: Duration,
    /// The file by which workers find this scheduler again, and the next scheduler them.
    pub access: PathBuf,
    /// Names the sweep and its devices: workers of another one are sent away.
    pub sweep: String,
}

/// Workers of one scheduler.
pub struct Fleet {
    worker: Worker,
    launcher: Box<dyn Launcher>,
    settings: Settings,
    roll: Roll,
    processes: HashMap<usize, Box<dyn Process>>,
    lines: HashMap<WorkerId, mpsc::UnboundedSender<ToWorker>>,
    events: mpsc::UnboundedSender<Event>,
    happened: mpsc::UnboundedReceiver<Event>,
}

impl Fleet {
    /// Starts to listen, at the address of the scheduler before if that is free; no worker is started yet.
    pub async fn open(worker: Worker, launcher: &Entry, settings: Settings) -> Result<Self, FleetError> {
        let failed = |source| FleetError::Listen { address: settings.listen.clone(), source };
        let before = Access::read(&settings.access).unwrap_or_default();
        let listener = listen(&settings.listen, &before.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let token = if before.token.is_empty() { secret().map_err(failed)? } else { before.token.clone() };
        let (events, happened) = mpsc::unbounded_channel();
        let (slots, lease, sweep) = (settings.slots.len(), settings.lease, settings.sweep.clone());
        let door = Door { token: token.clone(), slots, lease, sweep };
        tokio::spawn(hearing::listen(listener, door, events.clone()));
        let launcher = (launcher.build)();
        let (processes, lines) = (HashMap::new(), HashMap::new());
        let roll = Roll::open(settings.access.clone(), Access { address, token, ..Access::default() })?;
        let mut fleet = Self { worker, launcher, settings, roll, processes, lines, events, happened };
        fleet.adopt(before.processes);
        Ok(fleet)
    }

    /// Slots in which a worker of an earlier scheduler lives.
    pub fn adopted(&self) -> Vec<usize> {
        self.processes.keys().copied().collect()
    }

    /// Watches the health of the slots that are GPUs, with what `open` gives, every `period`; [`Event::Health`] tells.
    pub fn watch(&self, period: Duration, open: impl FnOnce() -> Option<Box<dyn Gauge>> + Send + 'static) {
        let slots = self.settings.slots.iter().enumerate();
        let gpus = slots.filter_map(|(slot, place)| Some(Watched { slot, uuid: place.gpu.clone()? }));
        let gpus: Vec<Watched> = gpus.collect();
        if !gpus.is_empty() {
            health::watch(gpus, period, open, self.events.clone());
        }
    }

    /// Process id of the worker in `slot`, where it is known.
    pub fn pid(&self, slot: usize) -> Option<u32> {
        self.roll.pid(slot)
    }

    /// Process ids of all workers; nothing if one of them is not known.
    pub fn pids(&self) -> Option<BTreeSet<u32>> {
        self.processes.keys().map(|slot| self.roll.pid(*slot)).collect()
    }

    fn adopt(&mut self, processes: BTreeMap<usize, Running>) {
        for (slot, running) in processes {
            if let Some(process) = Adopted::find(&running).filter(|_| slot < self.settings.slots.len()) {
                tracing::info!(slot, pid = running.pid, "a worker of an earlier scheduler lives");
                self.roll.add(slot, running);
                self.keep(slot, Box::new(process));
            }
        }
    }

    /// What happens next.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.happened.recv().await?;
            match &event {
                Event::Connected { worker, slot, instance, line, .. } => {
                    if !self.roll.knows(*slot, *instance) {
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
                // Of one that was sent away nothing is told.
                Event::Disconnected { worker } if self.lines.remove(worker).is_none() => continue,
                Event::Message { worker, .. } if !self.lines.contains_key(worker) => continue,
                Event::Disconnected { .. } | Event::Message { .. } | Event::Health { .. } => {}
                Event::Exited { slot, .. } => {
                    self.processes.remove(slot);
                    self.roll.remove(*slot);
                }
            }
            return Some(event);
        }
    }

    /// Starts a worker in `slot`.
    pub fn launch(&mut self, slot: usize) -> Result<(), FleetError> {
        let place = &self.settings.slots[slot];
        let instance = Roll::instance();
        let access = self.settings.access.to_string_lossy();
        let (number, instance_number) = (slot.to_string(), instance.to_string());
        let arguments = ["run", "--connect", self.roll.address(), "--access", &access];
        let arguments = arguments.into_iter().chain(["--slot", &number, "--instance", &instance_number]);
        let job = Job {
            program: self.worker.program().to_owned(),
            arguments: arguments.map(str::to_owned).chain(place.arguments()).collect(),
            token: self.roll.token().to_owned(),
            log: PathBuf::from(format!("{}-{slot}.log", self.settings.logs.display())),
        };
        let process = self.launcher.launch(place, &job)?;
        // One that has ended already is on no roll, and its call is refused.
        let pid = process.pid().and_then(|pid| Some((pid, identity(pid)?)));
        let (pid, identity) = pid.unwrap_or_default();
        self.roll.add(slot, Running { instance, pid, identity, gpu: place.gpu.clone() });
        self.keep(slot, process);
        Ok(())
    }

    fn keep(&mut self, slot: usize, mut process: Box<dyn Process>) {
        let (ended, events) = (process.ended(), self.events.clone());
        tokio::spawn(async move {
            let how = ended.await;
            let _ = events.send(Event::Exited { slot, how });
        });
        self.processes.insert(slot, process);
    }

    /// Says `message` to `worker`; one that has gone hears nothing.
    pub fn send(&self, worker: WorkerId, message: ToWorker) {
        if let Some(line) = self.lines.get(&worker) {
            let _ = line.send(message);
        }
    }

    /// Ends the process of `slot` without asking; [`Event::Exited`] follows.
    pub fn kill(&self, slot: usize) {
        if let Some(process) = self.processes.get(&slot) {
            process.kill();
        }
    }
}

/// Listens at `wanted`; if that leaves the port open, at the address `before` if it can be had.
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
