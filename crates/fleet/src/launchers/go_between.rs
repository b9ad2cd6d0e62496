//! Go-betweens: processes of this machine that stand for workers elsewhere (`srun`, `ssh`), and that nobody takes for the workers.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::children::{Children, lives};
use super::elsewhere::hearsay;
use super::job::{Job, State, Ticket};
use crate::error::FleetError;

/// Time that a go-between has to end its worker in order.
const GRACE: Duration = Duration::from_secs(5);

/// Between the identity of the go-between and what its launcher adds to the name of a ticket.
const SEPARATOR: char = '\t';

/// Go-betweens of a launcher. A clone refers to the same processes.
#[derive(Clone, Debug, Default)]
pub(super) struct GoBetweens(Arc<Children>);

impl GoBetweens {
    /// Runs the shell command `line`, which starts the worker of `job` somewhere. `remark` comes back from [`remark`].
    pub(super) fn start(&self, mut command: Command, job: &Job, remark: &str) -> Result<Ticket, FleetError> {
        let log = OpenOptions::new().create(true).append(true).open(job.log());
        let log = log.map_err(|source| FleetError::Log { file: job.log(), source })?;
        let out = log.try_clone().map_err(|source| FleetError::Log { file: job.log(), source })?;
        command.stdin(Stdio::null()).stdout(out).stderr(log);
        let program = command.get_program().into();
        let Ticket { name, pid } =
            self.0.start(&mut command).map_err(|source| FleetError::Start { program, source })?;
        Ok(Ticket { name: format!("{name}{SEPARATOR}{remark}"), pid })
    }

    pub(super) fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        tickets.iter().map(|ticket| hearsay(self.0.state(&process(ticket)))).collect()
    }

    pub(super) fn adopt(ticket: &Ticket) -> bool {
        ticket.name.contains(SEPARATOR) && lives(&process(ticket))
    }

    /// Runs `stop`, which ends the worker, if there is such a command. Then asks the go-between to end, and kills it a while later.
    pub(super) fn end(&self, ticket: &Ticket, stop: Option<Command>) {
        let (children, process) = (Arc::clone(&self.0), process(ticket));
        let end = move || {
            if let Some(mut stop) = stop {
                let quiet = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                if let Err(error) = quiet.status() {
                    tracing::warn!(%error, "the command that ends a worker cannot be run");
                }
            }
            children.ask_to_end(&process);
            thread::sleep(GRACE);
            children.kill(&process);
        };
        if let Err(error) = thread::Builder::new().name("end".to_owned()).spawn(end) {
            tracing::warn!(%error, "a worker cannot be ended");
        }
    }

    /// Kills the go-betweens that were started here.
    pub(super) fn close(&self) {
        self.0.kill_all();
    }
}

/// The text that the launcher added to the name of `ticket`.
pub(super) fn remark(ticket: &Ticket) -> &str {
    ticket.name.split_once(SEPARATOR).map_or("", |(_, remark)| remark)
}

/// The ticket of the process itself.
fn process(ticket: &Ticket) -> Ticket {
    let name = ticket.name.split(SEPARATOR).next().unwrap_or_default().to_owned();
    Ticket { name, pid: ticket.pid }
}
