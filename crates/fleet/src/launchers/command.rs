//! Workers by a command of the user's own, which starts one worker somewhere and lives as long as that worker: `srun`, `bsub -I`,
//! `docker run`.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sweep::yaml::{Fields, Value, read};

use super::elsewhere::{Elsewhere, MOST};
use super::go_between::{GoBetweens, remark};
use super::job::{Job, State, Ticket};
use super::launcher::{Entry, Launcher, Offer, Place, Wanted};
use super::shell;
use crate::error::FleetError;
use crate::slot::Slot;

/// The entry in the list of launchers.
pub(super) const ENTRY: Entry = Entry { name: "command", build };

/// Time between two looks at the processes.
const PERIOD: Duration = Duration::from_millis(200);

const WORKER: &str = "{worker}";
const SLOT: &str = "{slot}";
const INSTANCE: &str = "{instance}";

/// The launcher of commands.
#[derive(Debug)]
struct ByCommand {
    /// The command, a line of a shell; `{worker}` stands for the worker's own command.
    start: String,
    /// The command that ends a worker, where ending the first command does not.
    stop: Option<String>,
    workers: u64,
    elsewhere: Elsewhere,
    processes: GoBetweens,
}

fn build(mut fields: Fields<'_>) -> Arc<dyn Launcher> {
    let start = fields.required("start", template).unwrap_or_default();
    let stop = fields.optional("stop", read::text);
    let workers = fields.optional("workers", read::integer(1, MOST)).unwrap_or(1);
    let elsewhere = Elsewhere::read(&mut fields);
    fields.finish();
    Arc::new(ByCommand { start, stop, workers, elsewhere, processes: GoBetweens::default() })
}

fn template(value: &Value) -> Result<String, String> {
    let text = read::text(value).ok().filter(|text| text.contains(WORKER));
    text.ok_or_else(|| format!("a command with `{WORKER}` in it, such as `srun -n1 {WORKER}`"))
}

impl ByCommand {
    /// `template` with the words of a worker.
    fn filled(template: &str, slot: &str, instance: &str) -> String {
        template.replace(SLOT, slot).replace(INSTANCE, instance)
    }
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

impl Launcher for ByCommand {
    fn place(&self) -> Place {
        self.elsewhere.place()
    }

    fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer, FleetError> {
        Ok(self.elsewhere.offer((0..self.workers).map(|index| format!("command:{index}")), wanted))
    }

    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        let worker = shell::worker(job, &self.elsewhere.device(slot), &slot.environment());
        let worker = shell::line(["sh", "-c", &worker]);
        let (number, instance) = (job.slot.to_string(), job.instance.to_string());
        let line = Self::filled(&self.start, &number, &instance).replace(WORKER, &worker);
        self.processes.start(shell(&line), job, &format!("{number} {instance}"))
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        self.processes.poll(tickets)
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn end(&self, ticket: &Ticket) {
        let (slot, instance) = remark(ticket).split_once(' ').unwrap_or_default();
        let stop = self.stop.as_ref().map(|stop| shell(&Self::filled(stop, slot, instance)));
        self.processes.end(ticket, stop);
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        GoBetweens::adopt(ticket)
    }

    fn close(&self) {
        self.processes.close();
    }
}
