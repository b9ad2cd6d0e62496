//! Workers as processes of this machine, on its own devices.
//!
//! Ids of processes, and all else that this machine alone can see of them, stay inside this folder.

mod devices;
pub(crate) mod memory_budget;
mod reservation;

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use machine::oom_killer::kills;
use machine::process::{self, identity};
use sweep::config::Devices;

use super::launcher::{Ended, Entry, Job, Launcher, Offer, Reservation, State, Ticket, Wanted};
use crate::error::FleetError;
use crate::slot::Slot;

/// The entry in the list of launchers.
pub(super) const ENTRY: Entry = Entry { name: "local", build: || Arc::new(Local::default()) };

const SIGKILL: i32 = 9;

/// Time between two looks at all processes: a look costs microseconds.
const PERIOD: Duration = Duration::from_millis(20);

/// The launcher of this machine.
#[derive(Default)]
struct Local {
    /// Processes that it has started, by their ids; those that an earlier scheduler started are not its children.
    children: Mutex<HashMap<u32, Started>>,
}

struct Started {
    child: Child,
    /// Processes that the kernel had ended for memory when this process began.
    kills: u64,
}

impl Launcher for Local {
    fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer, FleetError> {
        let gpus: Vec<String> = wanted.survivors.iter().filter_map(|survivor| survivor.gpu.clone()).collect();
        let mut slots = devices::slots(wanted.devices, &gpus)?;
        let free = memory_budget::budgets(&slots, wanted.survivors);
        for (slot, free) in slots.iter_mut().zip(free) {
            slot.memory = wanted.memory.filter(|_| slot.gpu.is_none()).or(free);
            if let (Some(threads), None) = (wanted.threads, &slot.gpu) {
                slot.threads = threads;
            }
        }
        let limited = if wanted.threads.is_none() { devices::limited(&slots) } else { None };
        let warnings = devices::without_gpu(wanted.devices, &slots).into_iter().chain(limited).collect();
        Ok(Offer { slots, warnings })
    }

    fn reserve(&self, devices: &Devices, slots: &mut Vec<Slot>) -> Result<(Reservation, Vec<String>), FleetError> {
        reservation::take(devices, slots)
    }

    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        let log = OpenOptions::new().create(true).append(true).open(&job.log);
        let log = log.map_err(|source| FleetError::Log { file: job.log.clone(), source })?;
        let mut command = Command::new(&job.program);
        slot.prepare(&mut command);
        command
            .args(&job.arguments)
            .args(slot.arguments())
            .env("ATTRISWEEP_TOKEN", &job.token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C on the terminal is the scheduler's to answer.
            .process_group(0);
        let start = |source| FleetError::Start { program: job.program.clone(), source };
        let child = command.spawn().map_err(start)?;
        let pid = child.id();
        // A process that has ended already has no identity: nobody will take it for one that lives.
        let ticket = Ticket { name: identity(pid).unwrap_or_default(), pid: Some(pid) };
        self.lock().insert(pid, Started { child, kills: kills() });
        Ok(ticket)
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        tickets.iter().map(|ticket| self.state(ticket)).collect()
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn end(&self, ticket: &Ticket) {
        let Some(pid) = ticket.pid else { return };
        match self.lock().get_mut(&pid) {
            // It fails only for a process that has ended, which is what is wanted.
            Some(started) => drop(started.child.kill()),
            None if lives(ticket) => process::kill(pid),
            None => {}
        }
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        lives(ticket)
    }

    fn close(&self) {
        for started in self.lock().values_mut() {
            let _ = started.child.kill();
        }
    }
}

impl Local {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Started>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, ticket: &Ticket) -> State {
        let mut children = self.lock();
        let Some(pid) = ticket.pid else { return State::Ended(Ended::Unseen) };
        let Some(Started { child, kills }) = children.get_mut(&pid) else {
            return if lives(ticket) { State::Running } else { State::Ended(Ended::Unseen) };
        };
        let how = match child.try_wait() {
            Ok(None) => return State::Running,
            Ok(Some(status)) => ended(status, *kills),
            Err(_) => Ended::Code(-1),
        };
        children.remove(&pid);
        State::Ended(how)
    }
}

/// Whether the process lives that `ticket` names, and not another process of the same id.
fn lives(ticket: &Ticket) -> bool {
    ticket.pid.and_then(identity).is_some_and(|identity| identity == ticket.name)
}

/// End of a process that began when the kernel had ended `kills_before` processes for memory.
fn ended(status: ExitStatus, kills_before: u64) -> Ended {
    match status.signal() {
        Some(SIGKILL) if kills() > kills_before => Ended::OutOfMemory,
        Some(signal) => Ended::Signal(signal),
        None => Ended::Code(status.code().unwrap_or(-1)),
    }
}

#[cfg(test)]
mod tests;
