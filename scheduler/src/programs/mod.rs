//! Programs: the command line `attrisweep`, and the programs of the reference, which are parts of it.
//!
//! | program | what it does |
//! |---|---|
//! | `attrisweep` | everything, one command for each question |
//! | `scheduler` | runs a sweep, and answers questions about it |
//! | `preflight` | finds batch sizes |
//! | `means` | computes mean images |

mod attrisweep;
mod means;
mod pages;
mod scheduler;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use plan::exit::{self, Code, Failure};

/// Runs the program whose name this process was called by: one file on the disk may be all of them.
pub fn by_name() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_stem().and_then(|name| name.to_str()) {
        Some("scheduler") => scheduler(),
        Some("preflight") => preflight::program::main(),
        Some("means") => means(),
        _ => told(attrisweep::run(attrisweep::Cli::parse().command)),
    }
}

/// Runs the program `scheduler` with the arguments of this process.
pub fn scheduler() -> ExitCode {
    told(scheduler::run(&scheduler::Cli::parse()))
}

/// Runs the program `means` with the arguments of this process.
pub fn means() -> ExitCode {
    told(means::run(&means::Cli::parse()))
}

/// Tells what went wrong, if something did, and gives the documented exit code.
fn told(outcome: Result<Code, Failure>) -> ExitCode {
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            exit::tell(&failure);
            failure.code.into()
        }
    }
}
