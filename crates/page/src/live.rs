//! State of a sweep that runs, as its scheduler tells it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Number of lines of the log that are kept.
const LINES: usize = 200;

/// State that a scheduler fills and the page shows. Whoever holds it is quick.
#[derive(Debug, Default)]
pub struct Live(Mutex<Told>);

/// State of a sweep, as its scheduler reports. Times are seconds since 1970.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Told {
    /// Time of the beginning.
    pub began: f64,
    /// Number of maps that this run is to make.
    pub maps: u64,
    /// Number of maps that it has made.
    pub done: u64,
    /// Maps a second, lately.
    pub rate: Option<f64>,
    /// Seconds until all units whose time is known are done.
    pub left: Option<f64>,
    /// Number of units whose time nobody knows yet.
    pub unknown: usize,
    /// How the sweep ended, once it has.
    pub outcome: Option<String>,
    /// Devices, by slot.
    pub devices: Vec<Device>,
    /// Units that failed for good or may be tried again, the last one at the end.
    pub failed: Vec<Failed>,
    /// Last lines of the log of events.
    pub lines: VecDeque<Line>,
}

/// A device and what it does.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Device {
    /// Number of the slot.
    pub slot: usize,
    /// Name of the device.
    pub name: String,
    /// Process of its worker, where there is one.
    pub pid: Option<u32>,
    /// Whether a worker has called from there and not ended.
    pub works: bool,
    /// Units that the worker holds: the first is under way.
    pub units: Vec<Running>,
    /// Number of maps that it has made.
    pub maps: u64,
    /// Seconds in which it computed.
    pub computing: f64,
    /// Seconds in which it computed units that made maps: those of scores and mean images are not among them.
    pub mapping: f64,
    /// Bytes that it has written.
    pub bytes: u64,
    /// Bytes that its worker holds now, on the device or, on a processor, of the machine.
    pub memory: Option<u64>,
    /// Machine of its worker, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// A machine elsewhere, as its worker tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Machine {
    /// Name of the machine, as its cluster calls it.
    pub node: String,
    /// Job and index in its array (`1234_5`), where there is one.
    pub job: Option<String>,
    /// Number of times that the job was started before.
    pub restart: u32,
    /// Process of the worker there.
    pub pid: u32,
    /// Kind of device.
    pub model: String,
    /// UUID of the GPU.
    pub gpu: Option<String>,
    /// Bytes of the memory of the device that the worker may hold.
    pub memory: Option<u64>,
    /// Bytes of the machine's own memory that were free.
    pub host_memory: Option<u64>,
    /// Release of libtorch.
    pub libtorch: String,
    /// Version of the driver of the GPU.
    pub driver: Option<String>,
    /// Time at which the job ends, in seconds since 1970.
    pub ends: Option<f64>,
}

/// A unit that a worker holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Running {
    /// Name of the unit.
    pub unit: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// Time of the grant.
    pub since: f64,
}

/// A failure of a unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failed {
    /// Name of the unit.
    pub unit: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// Kind of failure.
    pub class: String,
    /// Description of the failure, in a sentence.
    pub error: String,
    /// Time of the failure.
    pub at: f64,
}

/// A line of the log of events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Time of the event.
    pub at: f64,
    /// The event, in a sentence.
    pub text: String,
    /// Whether a person should look at it.
    pub warns: bool,
}

impl Live {
    /// The state, for changing or reading it.
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Adds a line to the log of events; the oldest lines go.
    pub fn add_line(&mut self, at: f64, text: String, warns: bool) {
        self.lines.push_back(Line { at, text, warns });
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }
}
