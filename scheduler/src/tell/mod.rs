//! Everything that a person reads while a sweep runs and at its end: terminal, logs, last screen.

pub(crate) mod forecast;
mod log_files;
pub(crate) mod logging;
mod next;
mod output;
mod predictions;
mod progress;
pub(crate) mod summary;

pub(crate) use log_files::Logs;
pub(crate) use output::{duration, ranges, say, size};
pub(crate) use predictions::Predictions;
pub(crate) use progress::{FailedAttempt, Manner, Progress};
