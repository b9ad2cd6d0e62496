//! Exit of programs that run a plan: one message for a person, and an exit code that each program documents.

use std::io::Write;
use std::process::ExitCode;

use data::mean::MeanError;
use files::FileError;
use fleet::FleetError;
use store::StoreError;
use sweep::problem::Problems;

/// Exit code of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Everything is written.
    Complete = 0,
    /// Some units failed.
    Incomplete = 1,
    /// Mistakes in the config or its files.
    Config = 3,
    /// A store with other numbers is in the way.
    Mismatch = 4,
    /// No worker could be started or kept.
    Workers = 5,
    /// The output folder cannot be written.
    Storage = 6,
    /// A file in a store must not be used.
    Unsound = 7,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Failure that ends a program early.
#[derive(Debug)]
pub struct Failure {
    /// Exit code of the program.
    pub code: Code,
    /// One message for a person.
    pub text: String,
}

impl Failure {
    /// Failure of `error`, with its causes in one line.
    pub fn new(code: Code, error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self { code, text }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::new(Code::Config, &problems)
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        let code = if matches!(error, FleetError::Log { .. }) { Code::Storage } else { Code::Workers };
        Self::new(code, &error)
    }
}

impl From<MeanError> for Failure {
    fn from(error: MeanError) -> Self {
        let code = if matches!(error, MeanError::Write { .. }) { Code::Storage } else { Code::Config };
        Self::new(code, &error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(Code::Storage, &error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Mismatch { .. }
            | StoreError::Foreign { .. }
            | StoreError::Theirs { .. }
            | StoreError::TheirTensors { .. }
            | StoreError::Packed { .. }
            | StoreError::InTheWay { .. }
            | StoreError::Occupied { .. }
            | StoreError::Headless { .. } => Code::Mismatch,
            StoreError::NothingSelected { .. } => Code::Config,
            _ => Code::Storage,
        };
        Self::new(code, &error)
    }
}

/// Prints a failure on standard error. The exit code says the same if standard error is closed.
pub fn tell(failure: &Failure) {
    let _ = writeln!(std::io::stderr(), "error: {}", failure.text);
}
