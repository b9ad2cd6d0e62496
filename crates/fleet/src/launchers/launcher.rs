//! The interface of a launcher. No other part of attrisweep knows where workers run or how their processes are named.
//!
//! A launcher names each worker that it starts by a [`Ticket`], and is asked about many tickets at once, on a thread of its
//! own: a cluster answers slowly, once for all jobs (`squeue`), and sometimes not at all.

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use sweep::config::Devices;
use sweep::yaml::Fields;

use super::job::{Errand, Job, State, Submitted, Ticket};
use crate::error::FleetError;
use crate::slot::Slot;

/// An entry of the list of launchers.
#[derive(Debug)]
pub struct Entry {
    /// The name in configs.
    pub name: &'static str,
    /// The constructor. Settings are read from the config, and every mistake in them is noted: a launcher that is built with a
    /// mistake is not used.
    pub build: fn(Fields<'_>) -> Arc<dyn Launcher>,
}

/// Where the workers of a launcher run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine, where their processes are seen.
    Here,
    /// On other machines, perhaps. What the launcher hears of them is hearsay, and a worker that is connected is believed more.
    Elsewhere {
        /// Address, interface or name of this machine by which workers reach it; `None` means the address of the default route.
        network: Option<String>,
    },
}

/// Starts and ends workers, and reports how they are. The methods are called from two threads: [`Launcher::poll`] from one,
/// all others from the thread that listens to workers, which they must not keep for longer than a moment.
pub trait Launcher: fmt::Debug + Send + Sync {
    /// Where workers run.
    fn place(&self) -> Place {
        Place::Here
    }

    /// Slots that this launcher has for the workers of a sweep.
    fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer, FleetError>;

    /// Reserves the devices of `slots`, so that no other sweep takes them, removes slots that another sweep was faster to
    /// reserve, and returns what a person should know. A cluster does this by itself.
    fn reserve(&self, devices: &Devices, slots: &mut Vec<Slot>) -> Result<(Reservation, Vec<String>), FleetError> {
        let _ = (devices, slots);
        Ok((Reservation::default(), Vec::new()))
    }

    /// Starts a worker for `slot`, or puts it into a queue.
    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError>;

    /// State of each worker of `tickets`, in their order. May take as long as it needs.
    fn poll(&self, tickets: &[Ticket]) -> Vec<State>;

    /// Longest time between two polls. Workers elsewhere are polled only while they are not connected, and soon after something has
    /// changed.
    fn period(&self) -> Duration;

    /// Ends a worker without asking it, or takes it out of the queue. Ending it twice does no harm.
    fn end(&self, ticket: &Ticket);

    /// Whether `ticket`, which an earlier scheduler wrote down, names a worker of this launcher that may still live or wait in
    /// a queue. It is polled and ended from then on like a worker that this launcher started.
    fn adopt(&self, ticket: &Ticket) -> bool;

    /// Asks whether a worker would be started, without starting one; sentences for a person.
    fn test(&self) -> Result<Vec<String>, FleetError> {
        Ok(Vec::new())
    }

    /// Reason for which each worker of `tickets` waits, in their order, for a person; `None` for a worker that does not wait.
    fn reasons(&self, tickets: &[Ticket]) -> Vec<Option<String>> {
        vec![None; tickets.len()]
    }

    /// Kinds of devices on which workers may run, as far as the launcher knows, each in a word of its own.
    fn kinds(&self) -> Result<Vec<String>, FleetError> {
        Err(FleetError::NoQueue)
    }

    /// Puts `errand` into the queue as a job of its own, which is polled and ended as a worker is.
    fn submit(&self, errand: &Errand) -> Result<Submitted, FleetError> {
        let _ = errand;
        Err(FleetError::NoQueue)
    }

    /// Notes that the machine called `node` is of no use: it lacks a folder of the sweep, say.
    fn unfit(&self, node: &str) {
        let _ = node;
    }

    /// The scheduler is about to end. A launcher whose workers cannot be found again ends those that it started.
    fn close(&self) {}
}

/// Wishes of a config that slots depend on.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The devices.
    pub devices: &'a Devices,
    /// Threads of each worker on the processor.
    pub threads: Option<usize>,
    /// Bytes that a worker on the processor may hold.
    pub memory: Option<u64>,
    /// Workers of the same sweep that still live: their devices are not taken by others.
    pub survivors: &'a [Survivor],
}

/// Slots of a launcher.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The slots.
    pub slots: Vec<Slot>,
    /// Sentences that a person should read, though nothing is wrong.
    pub warnings: Vec<String>,
}

/// A worker that outlived its scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its name at its launcher.
    pub ticket: Ticket,
    /// UUID of the GPU that it computes on.
    pub gpu: Option<String>,
}

/// Devices that no other sweep takes by itself while this value lives.
#[derive(Debug, Default)]
pub struct Reservation {
    /// Never read: the locks go when the files are closed.
    _locks: Vec<File>,
}

impl Reservation {
    /// A reservation that lasts as long as these locked files are open.
    pub(crate) fn of(locks: Vec<File>) -> Self {
        Self { _locks: locks }
    }
}
