//! Errands: commands of attrisweep that are no workers, and that run in jobs of their own where a launcher has a queue.

use std::path::PathBuf;

use super::launcher::Ticket;

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
