//! Workers as processes of this machine, on its own devices.
//!
//! Ids of processes, and all else that this machine alone can see of them, stay inside this folder.

mod devices;
pub(crate) mod memory_budget;
mod reservation;

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sweep::config::Devices;
use sweep::yaml::Fields;

use super::children::{Children, lives};
use super::job::{Job, State, Ticket};
use super::launcher::{Entry, Launcher, Offer, Reservation, Wanted};
use crate::error::FleetError;
use crate::slot::Slot;

/// The entry in the list of launchers.
pub(super) const ENTRY: Entry = Entry { name: "local", build };

fn build(fields: Fields<'_>) -> Arc<dyn Launcher> {
    fields.finish();
    Arc::new(Local::default())
}

/// Time between two looks at all processes: a look costs microseconds.
const PERIOD: Duration = Duration::from_millis(20);

/// The launcher of this machine.
#[derive(Debug, Default)]
struct Local {
    children: Children,
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
        let log = OpenOptions::new().create(true).append(true).open(job.log());
        let log = log.map_err(|source| FleetError::Log { file: job.log(), source })?;
        let mut command = Command::new(&job.program);
        slot.prepare(&mut command);
        command
            .args(job.arguments())
            .args(slot.arguments())
            .env("ATTRISWEEP_TOKEN", &job.token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.children.start(&mut command).map_err(|source| FleetError::Start { program: job.program.clone(), source })
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        tickets.iter().map(|ticket| self.children.state(ticket)).collect()
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn end(&self, ticket: &Ticket) {
        self.children.kill(ticket);
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        lives(ticket)
    }

    fn close(&self) {
        self.children.kill_all();
    }
}

#[cfg(test)]
mod tests;
