//! Errors of starting and hearing workers.

use std::io;
use std::path::PathBuf;

/// An error of starting or hearing workers.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum FleetError {
    #[error("cannot start `{}`; it is built beside the scheduler, or named with --worker", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("`{} {command}` failed: {reason}", program.display())]
    Answer { program: PathBuf, command: &'static str, reason: String },
    #[error("cannot listen on {address} for workers; choose another with --listen")]
    Listen { address: String, source: io::Error },
    #[error("cannot start a thread that watches workers")]
    Watch { source: io::Error },
    #[error("cannot write the log `{}`", file.display())]
    Log { file: PathBuf, source: io::Error },
    #[error("cannot write `{}`, by which workers find the scheduler again", file.display())]
    Access { file: PathBuf, source: io::Error },
    #[error("no worker would be started: {reason}")]
    Refused { reason: String },
    #[error("the launcher of this config has no queue: `launcher: slurm` has one")]
    NoQueue,
    #[error("no GPU can be used ({reason}); set `devices: cpu` to compute on the processor")]
    NoGpu { reason: String },
    #[error("no GPU can be used: {reason}")]
    Hidden { reason: String },
    #[error("no GPU is idle ({reason}); wait, name one with `devices: [0]`, or set `devices: cpu`")]
    NoneIdle { reason: String },
    #[error("there is no GPU {index}; this machine has: {has}")]
    NoSuchGpu { index: u32, has: String },
}
