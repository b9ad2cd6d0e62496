//! Workers on a list of hosts, by ssh: for labs without a cluster's queue.

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
pub(super) const ENTRY: Entry = Entry { name: "ssh", build };

/// Time between two looks at the processes.
const PERIOD: Duration = Duration::from_millis(200);

/// Options of ssh: nobody answers questions of ssh, and a host that is gone is noticed.
const OPTIONS: [&str; 8] = [
    "-T",
    "-n",
    "-oBatchMode=yes",
    "-oConnectTimeout=20",
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=3",
    "-oControlMaster=no",
    "-oLogLevel=ERROR",
];

/// A place for one worker: a host, and the index of a GPU there.
#[derive(Clone, Debug)]
struct Seat {
    host: String,
    gpu: Option<u64>,
}

/// The launcher of hosts.
#[derive(Debug)]
struct Ssh {
    program: String,
    options: Vec<String>,
    seats: Vec<Seat>,
    elsewhere: Elsewhere,
    processes: GoBetweens,
}

fn build(mut fields: Fields<'_>) -> Arc<dyn Launcher> {
    fields.expect_items("hosts");
    let seats = fields.list("hosts", seats).unwrap_or_default().into_iter().flat_map(|(seats, _)| seats).collect();
    let options =
        fields.list("options", read::text).unwrap_or_default().into_iter().map(|(option, _)| option).collect();
    let program = fields.optional("program", read::text).unwrap_or_else(|| "ssh".to_owned());
    let elsewhere = Elsewhere::read(&mut fields);
    fields.finish();
    Arc::new(Ssh { program, options, seats, elsewhere, processes: GoBetweens::default() })
}

/// Reads `n1` (a host with one GPU), or `{n2: 4}` (a host with four).
fn seats(value: &Value) -> Result<Vec<Seat>, String> {
    let expected = || "a host, or `{HOST: NUMBER OF GPUS}`".to_owned();
    // A word that begins with `-` would be an option.
    let host = |name: &str| (!name.starts_with('-') && !name.trim().is_empty()).then(|| name.to_owned());
    match value {
        Value::Map(entries) if entries.len() == 1 => {
            let (entry, count) = &entries[0];
            let (host, count) = (host(&entry.name).ok_or_else(expected)?, read::integer(1, MOST)(&count.value));
            let count = count.map_err(|_| expected())?;
            Ok((0..count).map(|gpu| Seat { host: host.clone(), gpu: Some(gpu) }).collect())
        }
        _ => {
            let host = read::text(value).ok().and_then(|name| host(&name)).ok_or_else(expected)?;
            Ok(vec![Seat { host, gpu: None }])
        }
    }
}

impl Ssh {
    /// A command that has `host` run `line`, which the shell of the user reads there.
    fn command(&self, host: &str, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(OPTIONS).args(&self.options).args(["--", host]).arg(shell::line(["sh", "-c", line]));
        command
    }
}

impl Launcher for Ssh {
    fn place(&self) -> Place {
        self.elsewhere.place()
    }

    fn offer(&self, wanted: &Wanted<'_>) -> Result<Offer, FleetError> {
        let name = |seat: &Seat| match seat.gpu {
            Some(gpu) => format!("{} gpu:{gpu}", seat.host),
            None => seat.host.clone(),
        };
        Ok(self.elsewhere.offer(self.seats.iter().map(name), wanted))
    }

    fn launch(&self, slot: &Slot, job: &Job) -> Result<Ticket, FleetError> {
        let seat = &self.seats[job.slot];
        let mut environment = slot.environment();
        if let Some(gpu) = seat.gpu.filter(|_| !self.elsewhere.on_processors()) {
            environment.extend(["CUDA_DEVICE_ORDER=PCI_BUS_ID".to_owned(), format!("CUDA_VISIBLE_DEVICES={gpu}")]);
        }
        let line = shell::worker(job, &self.elsewhere.device(slot), &environment);
        let remark = format!("{} {}", job.instance, seat.host);
        self.processes.start(self.command(&seat.host, &line), job, &remark)
    }

    fn poll(&self, tickets: &[Ticket]) -> Vec<State> {
        self.processes.poll(tickets)
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    /// The worker does not end with ssh: it is found on its host by the number of its start, which no other process has.
    fn end(&self, ticket: &Ticket) {
        let stop = remark(ticket).split_once(' ').map(|(instance, host)| {
            // In brackets, so that the shell that runs this line is not found itself.
            self.command(host, &format!("pkill -KILL -f -- '[-]-instance {instance}'"))
        });
        self.processes.end(ticket, stop);
    }

    fn adopt(&self, ticket: &Ticket) -> bool {
        GoBetweens::adopt(ticket)
    }

    fn close(&self) {
        self.processes.close();
    }
}
