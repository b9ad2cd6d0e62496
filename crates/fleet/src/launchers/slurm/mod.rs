//! Workers as jobs of a Slurm cluster: arrays of jobs of one device each.
//!
//! Slurm is asked rarely: once for all jobs, and only while a worker is missing. Workers that are to be started at the same
//! moment are one array. A job is found by the name of its array and its index there, which is the slot, so that a job is found
//! also where the scheduler died before it had heard the job's id.

mod array;
mod desk;
mod errand;
mod kinds;
mod nodes;
mod programs;
mod script;
mod settings;
mod squeue;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sweep::yaml::Fields;

use super::elsewhere::Elsewhere;
use super::job::{Errand, Job, State, Submitted, Ticket};
use super::launcher::{Entry, Launcher, Offer, Place, Wanted};
use crate::error::FleetError;
use crate::slot::Slot;
use array::Order;
use desk::Desk;
use settings::{Gres, Settings};

/// The entry in the list of launchers.
pub(super) const ENTRY: Entry = Entry { name: "slurm", build };

/// The launcher of a cluster.
#[derive(Debug)]
struct Slurm {
    settings: Settings,
    elsewhere: Elsewhere,
    desk: Mutex<Desk>,
}

fn build(mut fields: Fields<'_>) -> Arc<dyn Launcher> {
    let settings = Settings::read(&mut fields);
    let elsewhere = Elsewhere::read(&mut fields);
    fields.finish();
    Arc::new(Slurm { settings, elsewhere, desk: Mutex::default() })
}

impl Slurm {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Options of sbatch for every array.
    fn options(&self) -> Vec<String> {
        let gres = match &self.settings.gres {
            Some(Gres::This(text)) => Some(text.as_str()),
            Some(Gres::Nothing) => None,
            None => (!self.elsewhere.on_processors()).then_some("gpu:1"),
        };
        let gres = gres.map(|gres| format!("--gres={gres}"));
        self.settings.options.iter().cloned().chain(gres).collect()
    }
}

impl Launcher for Slurm {
    fn place(&self) -> Place {
        self.elsewhere.place()
    }

    fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer, FleetError> {
        let threads = wanted.threads.or(self.settings.cpus.map(|cpus| cpus as usize));
        let wanted = Wanted { threads, ..*wanted };
        Ok(self.elsewhere.offer((0..self.settings.workers).map(|index| format!("slurm:{index}")), &wanted))
    }

    /// Notes what is to be started. The next poll hands all of it in at once: whoever launches must not wait for Slurm.
    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        let order = Order { job: job.clone(), device: self.elsewhere.device(slot), environment: slot.environment() };
        Ok(Ticket { name: self.desk().order(order), pid: None })
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        let array = self.desk().next_array();
        if let Some(array) = array {
            let exclude = self.desk().nodes.excluded(self.settings.exclude.as_deref());
            let handed_in = array.submit(&self.settings, &self.options(), exclude);
            self.desk().submitted(array, handed_in);
        }
        let names: BTreeSet<String> = tickets.iter().filter_map(|ticket| Some(desk::place(ticket)?.0)).collect();
        let rows = squeue::ask(&names);
        let (states, cancelled) = self.desk().states(tickets, rows.as_ref());
        programs::cancel(&cancelled);
        states
    }

    fn test(&self) -> Result<Vec<String>, FleetError> {
        let exclude = self.settings.exclude.as_ref().map(|nodes| format!("--exclude={nodes}"));
        let answer = programs::test(&self.options(), exclude).map_err(|reason| FleetError::Refused { reason })?;
        Ok(vec![format!("Slurm says of one such job: {answer}")])
    }

    fn reasons(&self, tickets: &[Ticket]) -> Vec<Option<String>> {
        let places: Vec<Option<(String, usize)>> = tickets.iter().map(desk::place).collect();
        let names: BTreeSet<String> = places.iter().flatten().map(|(array, _)| array.clone()).collect();
        let rows = if names.is_empty() { None } else { squeue::ask(&names) };
        places.iter().map(|place| rows.as_ref()?.get(place.as_ref()?)?.waits()).collect()
    }

    fn kinds(&self) -> Result<Vec<String>, FleetError> {
        let settings = &self.settings;
        let kinds = match &settings.gres {
            _ if self.elsewhere.on_processors() => Ok(vec![kinds::PROCESSORS.to_owned()]),
            Some(Gres::Nothing) => Ok(vec![kinds::PROCESSORS.to_owned()]),
            // A kind that the config names.
            Some(Gres::This(text)) if !kinds::is_count(text) => Ok(vec![text.clone()]),
            Some(Gres::This(_)) | None => kinds::ask(&settings.options),
        };
        kinds.map_err(|reason| FleetError::Refused { reason })
    }

    fn submit(&self, errand: &Errand) -> Result<Submitted, FleetError> {
        errand::submit(errand, &self.settings).map_err(|reason| FleetError::Refused { reason })
    }

    fn period(&self) -> Duration {
        self.settings.poll
    }

    fn end(&self, ticket: &Ticket) {
        self.desk().end(ticket);
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        let known = desk::place(ticket).is_some();
        if known {
            self.desk().adopt(ticket);
        }
        known
    }

    fn unfit(&self, node: &str) {
        self.desk().nodes.unfit(node);
    }

    fn close(&self) {
        programs::cancel_arrays(&self.desk().open());
    }
}
