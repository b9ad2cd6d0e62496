//! The program `preflight`: finds the batch of every variant that is fastest and safe on the devices of a config.

mod cli;
mod full_test;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fleet::Worker;
use plan::Wishes;
use plan::exit::{self, Code, Failure};

use crate::{Interruptible, Options};
use cli::Mode;

pub use cli::Cli;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code.into(),
        Err(failure) => {
            exit::tell(&failure);
            failure.code.into()
        }
    }
}

/// Does what the command line asks for.
pub fn run(cli: &Cli) -> Result<Code, Failure> {
    match cli.mode {
        Mode::BatchSize => probe(cli),
        Mode::FullTest => full_test::run(cli),
    }
}

fn probe(cli: &Cli) -> Result<Code, Failure> {
    let worker = Worker::locate(cli.worker.clone());
    let mut checked =
        plan::check(&cli.config, &worker, &Wishes { memory: cli.memory, gpu: cli.gpu_id, ..Wishes::default() })?;
    checked.reserve()?;
    for warning in &checked.warnings {
        say(&format!("warning: {warning}"));
    }
    let _interruptible = Interruptible::begin();
    checked.compute_means()?;
    let options = Options {
        margin: cli.margin.map(|percent| f64::from(percent) / 100.0),
        force: cli.force,
        // Whoever runs this program wants it measured.
        trusts: false,
        patience: Duration::from_secs(cli.patience),
        stillness: Duration::from_secs(cli.stillness),
    };
    let summary = crate::run(&mut checked, &worker, options, &say)?;
    let file = checked.batches.results_file();
    let place = if file.exists() { format!("Batch sizes are in {}.\n", file.display()) } else { String::new() };
    // If standard output is closed, nobody wants to know.
    let _ = write!(std::io::stdout(), "{}{place}", summary.text());
    Ok(if summary.failed.is_empty() { Code::Complete } else { Code::Incomplete })
}

/// Writes a line to standard error. If standard error is closed, nobody watches.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
