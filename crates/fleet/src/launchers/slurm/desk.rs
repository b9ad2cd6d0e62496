//! The desk: orders for workers, the arrays that they became, and what is known of each job.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::launcher::{Ended, Job, State, Ticket};
use super::nodes::Nodes;
use super::script::script;
use super::settings::Settings;
use super::squeue::Rows;

/// What the name of every array begins with.
const NAME: &str = "attrisweep-";

/// Answers in a row that lack a job, and the time that they span, after which the job is taken for gone. A cluster forgets jobs minutes
/// after their end, and shows new ones a moment late.
const ENOUGH: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(5);

/// Time after which a job that is still there is cancelled again.
const AGAIN: Duration = Duration::from_secs(20);

/// What sbatch says where trying again later helps.
const PASSING: [&str; 7] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection timed out",
    "Transport endpoint is not connected",
    "temporarily",
    "try again",
];

/// An order for a worker.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) job: Job,
    pub(super) device: Vec<String>,
    pub(super) environment: Vec<String>,
}

/// Orders that are handed in as one array.
#[derive(Clone, Debug)]
pub(super) struct Array {
    name: String,
    orders: BTreeMap<usize, Order>,
}

/// Result of handing in an array.
pub(super) enum HandedIn {
    Taken,
    /// Nobody answers: the array is handed in again.
    Later,
    Refused(String),
}

/// What is known of orders and jobs.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// The array that takes orders.
    next: Option<Array>,
    /// Orders that are being handed in, or wait for an answer of Slurm, by their tickets.
    waiting: HashSet<String>,
    /// Orders that Slurm refused, with its reason.
    refused: HashMap<String, String>,
    /// Jobs that are to be cancelled, and the time at which they last were.
    ending: HashMap<String, Option<Instant>>,
    /// Jobs that were missing in this number of answers, the first of them at this time.
    missing: HashMap<String, (u32, Instant)>,
    /// Jobs that were not seen to end.
    open: BTreeSet<String>,
    pub(super) nodes: Nodes,
}

/// Name of the array, and index in it, of the job that `ticket` names.
pub(super) fn place(ticket: &Ticket) -> Option<(String, usize)> {
    let (array, index) = ticket.name.split_once('/')?;
    array.starts_with(NAME).then_some(())?;
    Some((array.to_owned(), index.parse().ok()?))
}

impl Desk {
    /// Takes an order, and returns the name of the job that it becomes.
    pub(super) fn order(&mut self, order: Order) -> String {
        // One array has one job for a slot.
        let array =
            self.next.get_or_insert_with(|| Array { name: new_name(order.job.instance), orders: BTreeMap::new() });
        let name = format!("{}/{}", array.name, order.job.slot);
        array.orders.insert(order.job.slot, order);
        self.waiting.insert(name.clone());
        self.open.insert(name.clone());
        name
    }

    pub(super) fn adopt(&mut self, ticket: &Ticket) {
        self.open.insert(ticket.name.clone());
    }

    /// The array that is to be handed in now.
    pub(super) fn next_array(&mut self) -> Option<Array> {
        self.next.take()
    }

    /// Notes the answer to an array that was handed in.
    pub(super) fn submitted(&mut self, array: Array, handed_in: HandedIn) {
        let names = array.orders.keys().map(|slot| format!("{}/{slot}", array.name)).collect::<Vec<_>>();
        match handed_in {
            HandedIn::Taken => {
                for name in names {
                    self.waiting.remove(&name);
                }
            }
            HandedIn::Refused(reason) => {
                for name in names {
                    self.waiting.remove(&name);
                    self.refused.insert(name, reason.clone());
                }
            }
            // Orders that came meanwhile are an array of their own, which is handed in after this one.
            HandedIn::Later if self.next.is_none() => self.next = Some(array),
            HandedIn::Later => {
                for name in names {
                    self.waiting.remove(&name);
                    self.refused.insert(name, "Slurm gives no answer".to_owned());
                }
            }
        }
    }

    /// Notes that the job of `ticket` is to be ended.
    pub(super) fn end(&mut self, ticket: &Ticket) {
        if let (Some(array), Some((name, index))) = (&mut self.next, place(ticket))
            && array.name == name
        {
            array.orders.remove(&index);
            if array.orders.is_empty() {
                self.next = None;
            }
            self.waiting.remove(&ticket.name);
        }
        self.ending.entry(ticket.name.clone()).or_default();
    }

    /// States of `tickets` by the `rows` of an answer, and the jobs to cancel now, as scancel takes them.
    pub(super) fn states(&mut self, tickets: &[Ticket], rows: Option<&Rows>) -> (Vec<State>, Vec<String>) {
        let states: Vec<State> = tickets.iter().map(|ticket| self.state(ticket, rows)).collect();
        let mut cancelled = Vec::new();
        for (ticket, state) in tickets.iter().zip(&states) {
            if matches!(state, State::Ended(_) | State::Refused(_)) {
                self.forget(&ticket.name);
            }
            let row = place(ticket).and_then(|place| rows?.get(&place));
            if let (Some(last), Some(row), Some((_, index))) = (self.ending.get_mut(&ticket.name), row, place(ticket))
                && last.is_none_or(|last| last.elapsed() > AGAIN)
            {
                *last = Some(Instant::now());
                cancelled.push(format!("{}_{index}", row.array));
            }
        }
        (states, cancelled)
    }

    fn state(&mut self, ticket: &Ticket, rows: Option<&Rows>) -> State {
        if let Some(reason) = self.refused.remove(&ticket.name) {
            return State::Refused(reason);
        }
        if self.waiting.contains(&ticket.name) {
            return State::Queued;
        }
        let (Some(place), Some(rows)) = (place(ticket), rows) else { return State::Unknown };
        let Some(row) = rows.get(&place) else { return self.missing(ticket) };
        self.missing.remove(&ticket.name);
        let state = row.state();
        // What we cancelled ourselves says nothing of the node.
        if matches!(state, State::Ended(_)) && row.blames_node() && !self.ending.contains_key(&ticket.name) {
            self.nodes.failed(&row.node);
        }
        state
    }

    /// State of a job that an answer lacks.
    fn missing(&mut self, ticket: &Ticket) -> State {
        let (count, since) = self.missing.entry(ticket.name.clone()).or_insert((0, Instant::now()));
        *count += 1;
        let gone = *count >= ENOUGH && since.elapsed() >= PATIENCE;
        if gone { State::Ended(Ended::TakenAway) } else { State::Unknown }
    }

    fn forget(&mut self, name: &str) {
        self.ending.remove(name);
        self.missing.remove(name);
        self.open.remove(name);
    }

    /// Names of arrays with jobs that were not seen to end.
    pub(super) fn open(&self) -> BTreeSet<String> {
        self.open.iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect()
    }
}

/// A name that no other array of this user has: that of a worker's instance, the nanoseconds since 1970.
fn new_name(instance: u64) -> String {
    format!("{NAME}{instance:x}")
}

impl Array {
    /// Hands the array in.
    pub(super) fn submit(&self, settings: &Settings, options: &[String], exclude: Option<String>) -> HandedIn {
        let Some(first) = self.orders.values().next() else { return HandedIn::Taken };
        let jobs: Vec<Job> = self.orders.values().map(|order| order.job.clone()).collect();
        let text = script(settings, &jobs, &first.device, &first.environment);
        let mut command = Command::new("sbatch");
        command.args(self.options(&first.job)).args(options).args(exclude.map(|nodes| format!("--exclude={nodes}")));
        match run(command, &text) {
            Ok(id) => {
                tracing::info!(job = id.trim(), workers = jobs.len(), "an array of workers is handed in");
                HandedIn::Taken
            }
            Err(reason) if PASSING.iter().any(|passing| reason.contains(passing)) => {
                tracing::info!(reason, "Slurm takes no array now");
                HandedIn::Later
            }
            Err(reason) => HandedIn::Refused(reason),
        }
    }

    /// Options of sbatch that name the jobs, and the files of what they say.
    fn options(&self, job: &Job) -> Vec<String> {
        let indices = self.orders.keys().map(usize::to_string).collect::<Vec<_>>().join(",");
        let logs = job.logs.to_string_lossy().replace('%', "%%");
        let words = ["--parsable", "--requeue", "--open-mode=append", "--ntasks=1", "--nodes=1"].map(str::to_owned);
        let own =
            [format!("--array={indices}"), format!("--job-name={}", self.name), format!("--output={logs}-%a.log")];
        words.into_iter().chain(own).collect()
    }
}

/// What sbatch says of a job with these options that it does not take.
pub(super) fn test(options: &[String], exclude: Option<String>) -> Result<String, String> {
    let mut command = Command::new("sbatch");
    command.args(["--test-only", "--ntasks=1", "--nodes=1"]).args(options).args(exclude);
    // It answers on standard error, whether it would take the job or not.
    let (output, words) = output_of(command, "#!/bin/sh\n")?;
    let words = words.trim_start_matches("sbatch: ").to_owned();
    if output { Ok(words) } else { Err(words) }
}

/// Runs `command` with `input`; what it printed, or its words of regret.
fn run(command: Command, input: &str) -> Result<String, String> {
    let (is_well, words) = output_of(command, input)?;
    if is_well { Ok(words) } else { Err(words) }
}

/// Runs `command` with `input`: whether it succeeded, and the lines that it printed.
fn output_of(mut command: Command, input: &str) -> Result<(bool, String), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Inside of a job, its variables would be taken for options of the new one.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("SLURM_") && text != "SLURM_CONF" {
            command.env_remove(&name);
        }
    }
    let failed = |error: std::io::Error| format!("`{program}` cannot be run: {error}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ended before it read everything says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty());
    let words = lines.collect::<Vec<_>>().join("; ");
    let words = if words.is_empty() { format!("`{program}` ended with {}", output.status) } else { words };
    Ok((output.status.success(), words))
}

/// Cancels `jobs`, as scancel takes them.
pub(super) fn cancel(jobs: &[String]) {
    if !jobs.is_empty() {
        let mut command = Command::new("scancel");
        command.args(jobs);
        tell(run(command, ""));
    }
}

/// Cancels all jobs of the arrays called `names`.
pub(super) fn cancel_arrays(names: &BTreeSet<String>) {
    for name in names {
        let mut command = Command::new("scancel");
        command.args(["--me", "--name", name]);
        tell(run(command, ""));
    }
}

fn tell(cancelled: Result<String, String>) {
    if let Err(reason) = cancelled {
        tracing::warn!(reason, "jobs cannot be cancelled");
    }
}
