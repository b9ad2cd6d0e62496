//! Arrays of jobs: orders for workers that are handed in together.

use std::collections::BTreeMap;
use std::process::Command;

use super::super::job::Job;
use super::programs::run;
use super::script::script;
use super::settings::Settings;

/// Messages of sbatch after which trying again later helps.
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
    pub(super) name: String,
    pub(super) orders: BTreeMap<usize, Order>,
}

/// Result of handing in an array.
pub(super) enum HandedIn {
    Taken,
    /// Nobody answers: the array is handed in again.
    Later,
    Refused(String),
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
    pub(super) fn options(&self, job: &Job) -> Vec<String> {
        let indices = self.orders.keys().map(usize::to_string).collect::<Vec<_>>().join(",");
        let logs = job.logs.to_string_lossy().replace('%', "%%");
        let words = ["--parsable", "--requeue", "--open-mode=append", "--ntasks=1", "--nodes=1"].map(str::to_owned);
        let own =
            [format!("--array={indices}"), format!("--job-name={}", self.name), format!("--output={logs}-%a.log")];
        words.into_iter().chain(own).collect()
    }
}
