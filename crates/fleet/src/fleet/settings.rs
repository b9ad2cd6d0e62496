//! Settings of a fleet.

use std::path::PathBuf;
use std::time::Duration;

use crate::slot::Slot;

/// Settings of a fleet.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Slots for workers.
    pub slots: Vec<Slot>,
    /// Logs of workers: this path with `-<slot>.log` behind it.
    pub logs: PathBuf,
    /// Options that every worker is started with besides.
    pub options: Vec<String>,
    /// Lease: a worker that hears nothing for so long ends itself.
    pub lease: Duration,
    /// The file by which workers find this scheduler again, and by which the next scheduler finds the workers.
    pub access: PathBuf,
    /// Identity of the sweep and its devices: workers of another sweep are sent away.
    pub sweep: String,
    /// Files that the sweep reads: a worker of another machine has to see them.
    pub reads: Vec<PathBuf>,
}
