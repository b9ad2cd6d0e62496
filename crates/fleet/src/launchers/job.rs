//! Jobs: commands that a launcher starts, the names that it gives to their processes, and states of these processes. An errand is a
//! command of attrisweep that is no worker.

use std::fmt;
use std::path::PathBuf;

/// The command of a worker process.
#[derive(Clone)]
pub struct Job {
    /// The worker program.
    pub program: PathBuf,
    /// Its arguments, without those that name the slot, and those that name the device: they depend on where the worker runs
    /// ([`crate::Slot::arguments`]).
    pub arguments: Vec<String>,
    /// Index of the slot.
    pub slot: usize,
    /// Number of the process that is started for the slot.
    pub instance: u64,
    /// The secret that the worker shows when it calls; handed on where other users cannot read it. Workers elsewhere read it from the
    /// file of access.
    pub token: String,
    /// The files to which standard errors of workers are appended: this path with `-<slot>.log` behind it.
    pub logs: PathBuf,
}

impl Job {
    /// All arguments but those that name the device.
    pub fn arguments(&self) -> Vec<String> {
        let numbers = ["--slot".to_owned(), self.slot.to_string(), "--instance".to_owned(), self.instance.to_string()];
        self.arguments.iter().cloned().chain(numbers).collect()
    }

    /// The file to which the standard error of this worker is appended.
    pub fn log(&self) -> PathBuf {
        PathBuf::from(format!("{}-{}.log", self.logs.display(), self.slot))
    }
}

impl fmt::Debug for Job {
    /// Everything but the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, arguments, slot, instance, logs, .. } = self;
        let mut shown = f.debug_struct("Job");
        shown.field("program", program).field("arguments", arguments).field("slot", slot);
        shown.field("instance", instance).field("logs", logs).finish()
    }
}

/// The name of a worker at its launcher. It is written to the disk, for a scheduler that comes after this one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Any text by which the launcher finds the worker again: the id of a job, say.
    pub name: String,
    /// Id of the process, if it is a process of this machine.
    pub pid: Option<u32>,
}

/// State of a worker, as its launcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a place, for hours perhaps: no deadline runs until it has begun.
    Queued,
    /// Its process has begun and was not seen to end.
    Running,
    /// Its process has ended, or never will begin.
    Ended(Ended),
    /// It could not be started, for this reason.
    Refused(String),
    /// The launcher could not find out. Nothing follows from that.
    Unknown,
}

/// End of a process. Results count by what was written: this only says who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It left with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// The kernel ended this process, or another process at that time, because memory was wanting.
    OutOfMemory,
    /// It is gone, and only its own parent could have seen how.
    Unseen,
    /// The machine was taken away from it: its job was preempted, cancelled, at its end, or lost with its node.
    TakenAway,
}

/// A command that runs in a job of its own, where a launcher has a queue: a whole scheduler.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Number that no other errand has.
    pub instance: u64,
    /// Words of the command line.
    pub words: Vec<String>,
    /// File to which the command's standard output and errors are appended.
    pub log: PathBuf,
    /// File into which the job writes the exit code of the command as its last act.
    pub code: PathBuf,
    /// Options of the queue's own program besides those of the config.
    pub options: Vec<String>,
    /// The kind of device that the command needs, one of [`super::Launcher::kinds`], with all else that a worker gets there; `None` for a command
    /// that computes nothing.
    pub kind: Option<String>,
}

/// A job that waits in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its name for the launcher.
    pub ticket: Ticket,
    /// Its id for a person.
    pub id: String,
    /// Command line that cancels it.
    pub cancel: String,
}
