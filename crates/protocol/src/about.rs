//! What a worker says of itself: where it runs, on what, and for how long.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Longest time before the end of its job at which a worker leaves: a batch, its files, and a clock that is another one.
const MARGIN: Duration = Duration::from_mins(1);

/// Time before the end of a job that is `ends_in` away, at which the worker of the job leaves.
pub fn margin(ends_in: Duration) -> Duration {
    MARGIN.min(ends_in / 4)
}

/// Facts of a worker and of the machine on which it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Name of the job in the queue of a cluster (`1234_5`), where there is one.
    #[serde(default)]
    pub job: Option<String>,
    /// Number of times that the job was started before: a cluster may start a job again by itself.
    #[serde(default)]
    pub restart: u32,
    /// Name of the machine, as its cluster calls it, or else as it calls itself.
    #[serde(default)]
    pub node: String,
    /// Kind of device, as profiles of preflight name it.
    #[serde(default)]
    pub model: String,
    /// UUID of the GPU, where the worker computes on one.
    #[serde(default)]
    pub gpu: Option<String>,
    /// Threads with which the processor computes.
    #[serde(default)]
    pub threads: usize,
    /// Cores that the worker may use.
    #[serde(default)]
    pub cores: usize,
    /// Bytes of the memory of its device that the worker may hold, where that is known.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Seconds until the job ends, where it has an end.
    #[serde(default)]
    pub ends_in: Option<f64>,
    /// Id of the process on its own machine.
    #[serde(default)]
    pub pid: u32,
    /// Bytes of the machine's own memory that its control groups left when the worker began, where that is known.
    #[serde(default)]
    pub host_memory: Option<u64>,
    /// Release of attrisweep that the worker is of.
    #[serde(default)]
    pub program: String,
    /// Release of libtorch with which it computes.
    #[serde(default)]
    pub libtorch: String,
    /// Version of the driver of the GPU, where there is one.
    #[serde(default)]
    pub driver: Option<String>,
}

impl About {
    /// Time until the worker leaves by itself, a while before its job ends; `None` for a job that has no end.
    pub fn leaves_in(&self) -> Option<Duration> {
        let ends_in = Duration::try_from_secs_f64(self.ends_in?).ok()?;
        Some(ends_in.saturating_sub(margin(ends_in)))
    }
}

impl fmt::Display for About {
    /// Facts that a person needs to find the worker: `process 17 of node n2, job 12_3, restart 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of {}", self.pid, self.node)?;
        if let Some(job) = &self.job {
            write!(f, ", job {job}")?;
        }
        if self.restart > 0 {
            write!(f, ", restart {}", self.restart)?;
        }
        Ok(())
    }
}

/// Files by which a worker of another machine shows that it sees the folders of its scheduler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// A file that the scheduler has put in place by renaming it, with the content that the worker must find there.
    pub file: std::path::PathBuf,
    /// The content.
    pub content: String,
    /// Folders and files that the sweep reads.
    pub read: Vec<std::path::PathBuf>,
}

impl Shared {
    /// The file with which the worker in `slot` answers, by renaming it as well.
    pub fn answer(&self, slot: usize) -> std::path::PathBuf {
        let mut name = self.file.as_os_str().to_owned();
        name.push(format!(".{slot}"));
        name.into()
    }

    /// The content of that file: the scheduler's, turned around, so that no copy of the one is taken for the other.
    pub fn turned(&self) -> String {
        self.content.chars().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_leaves_a_minute_before_its_job_ends_and_a_short_job_is_used_for_three_quarters() {
        assert_eq!(margin(Duration::from_hours(4)), Duration::from_mins(1));
        assert_eq!(margin(Duration::from_mins(2)), Duration::from_secs(30));
        assert_eq!(margin(Duration::ZERO), Duration::ZERO);
        let of = |ends_in| About { ends_in, ..About::default() }.leaves_in();
        assert_eq!(of(Some(120.0)), Some(Duration::from_secs(90)));
        assert_eq!((of(None), of(Some(-1.0)), of(Some(f64::INFINITY))), (None, None, None));
    }

    #[test]
    fn a_worker_is_named_by_its_process_its_node_its_job_and_how_often_it_was_started() {
        let about = About { pid: 17, node: "n2".into(), ..About::default() };
        assert_eq!(about.to_string(), "process 17 of n2");
        let about = About { job: Some("12_3".into()), restart: 1, ..about };
        assert_eq!(about.to_string(), "process 17 of n2, job 12_3, restart 1");
        assert_eq!(serde_json::from_str::<About>("{}").unwrap(), About::default());
    }
}
