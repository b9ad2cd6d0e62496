//! The fleet: processes that were started, workers that called, and one stream of what happens.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sweep::message::{FromWorker, ToWorker};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::hearing::{self, Door, WorkerId};
use crate::launchers::{Ended, Entry, Job, Launcher, Process};
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
}

/// How a fleet is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Places for workers.
    pub slots: Vec<Slot>,
    /// Logs of workers go there.
    pub log_dir: PathBuf,
    /// A worker that hears nothing for so long ends itself.
    pub lease: Duration,
}

/// Workers of one scheduler.
pub struct Fleet {
    worker: Worker,
    launcher: Box<dyn Launcher>,
    settings: Settings,
    address: SocketAddr,
    token: String,
    processes: HashMap<usize, Box<dyn Process>>,
    lines: HashMap<WorkerId, mpsc::UnboundedSender<ToWorker>>,
    events: mpsc::UnboundedSender<Event>,
    happened: mpsc::UnboundedReceiver<Event>,
}

impl Fleet {
    /// Starts to listen; no worker is started yet.
    pub async fn open(worker: Worker, launcher: &Entry, settings: Settings) -> Result<Self, FleetError> {
        let failed = |source| FleetError::Listen { address: settings.listen.clone(), source };
        let listener = TcpListener::bind(&settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let token = secret().map_err(failed)?;
        let (events, happened) = mpsc::unbounded_channel();
        let door = Door { token: token.clone(), slots: settings.slots.len(), lease: settings.lease };
        tokio::spawn(hearing::listen(listener, door, events.clone()));
        let launcher = (launcher.build)();
        let (processes, lines) = (HashMap::new(), HashMap::new());
        Ok(Self { worker, launcher, settings, address, token, processes, lines, events, happened })
    }

    /// What happens next.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.happened.recv().await?;
        match &event {
            Event::Connected { worker, line, .. } => drop(self.lines.insert(*worker, line.clone())),
            Event::Disconnected { worker } => drop(self.lines.remove(worker)),
            Event::Exited { slot, .. } => drop(self.processes.remove(slot)),
            Event::Message { .. } => {}
        }
        Some(event)
    }

    /// Starts a worker in `slot`.
    pub fn launch(&mut self, slot: usize) -> Result<(), FleetError> {
        let place = &self.settings.slots[slot];
        let arguments = ["run", "--connect", &self.address.to_string(), "--slot", &slot.to_string()];
        let job = Job {
            program: self.worker.program().to_owned(),
            arguments: arguments.map(str::to_owned).into_iter().chain(place.arguments()).collect(),
            token: self.token.clone(),
            log: self.settings.log_dir.join(format!("worker-{slot}.log")),
        };
        let mut process = self.launcher.launch(place, &job)?;
        let (ended, events) = (process.ended(), self.events.clone());
        tokio::spawn(async move {
            let how = ended.await;
            let _ = events.send(Event::Exited { slot, how });
        });
        self.processes.insert(slot, process);
        Ok(())
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

/// 256 random bits, in hexadecimal.
fn secret() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex::encode(bytes))
}
