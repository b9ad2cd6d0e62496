//! Launchers: ways of starting a worker process. Each is one file with one line in the list.

pub(crate) mod adopted;
mod local;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use crate::{FleetError, Slot};

/// Every launcher.
pub const LAUNCHERS: &[&Entry] = &[&local::ENTRY];

/// The launcher called `name`; the first one if no name is given.
pub fn find(name: Option<&str>) -> Option<&'static Entry> {
    LAUNCHERS.iter().find(|entry| name.is_none_or(|name| entry.name == name)).copied()
}

/// A launcher.
#[derive(Debug)]
pub struct Entry {
    /// Its name in configs.
    pub name: &'static str,
    /// Makes it.
    pub build: fn() -> Box<dyn Launcher>,
}

/// Starts worker processes.
pub trait Launcher: Send {
    /// Starts a worker for `slot`.
    fn launch(&self, slot: &Slot, job: &Job) -> Result<Box<dyn Process>, FleetError>;
}

/// What a worker process is started with.
#[derive(Clone, Debug)]
pub struct Job {
    /// The worker program.
    pub program: PathBuf,
    /// Arguments, the device's included.
    pub arguments: Vec<String>,
    /// The secret that it shows when it calls; handed on where other users cannot read it.
    pub token: String,
    /// Where its standard error goes, appended.
    pub log: PathBuf,
}

/// How a process ended: a hint only, as what counts is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It left with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// The kernel ended it, or another one at that time, because memory was wanting.
    OutOfMemory,
    /// It is gone, and only its own parent could have seen how.
    Unseen,
}

/// A started process.
pub trait Process: Send {
    /// Its id on this machine, if it is one of this machine's.
    fn pid(&self) -> Option<u32>;

    /// Ends it without asking (SIGKILL). Ending it twice does no harm.
    fn kill(&self);

    /// Resolves once it has ended.
    fn ended(&mut self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'static>>;
}
