//! The program `preflight`: finds the batch of every variant that is fastest and safe on the devices of a config.

mod cli;
mod elsewhere;
mod full_test;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fleet::Worker;
use fleet::launchers::Place;
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
    let (memory, gpu, here, threads) = (cli.memory, cli.gpu_id, cli.here, cli.threads.map(usize::from));
    let wishes = Wishes { memory, gpu, here, threads, ..Wishes::default() };
    let mut checked = plan::check(&cli.config, &worker, &wishes)?;
    checked.reserve()?;
    for warning in &checked.warnings {
        say(&format!("warning: {warning}"));
    }
    if checked.launcher.place() != Place::Here {
        checked.compute_means()?;
        let code = elsewhere::run(&checked, cli, &say)?;
        tell_place(&checked);
        return Ok(code);
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
    // If standard output is closed, nobody wants to know.
    let _ = write!(std::io::stdout(), "{}", summary.text());
    tell_place(&checked);
    Ok(if summary.failed.is_empty() { Code::Complete } else { Code::Incomplete })
}

/// Tells where the batch sizes are.
fn tell_place(checked: &plan::Checked) {
    let file = checked.batches.results_file();
    if file.exists() {
        let _ = writeln!(std::io::stdout(), "Batch sizes are in {}.", file.display());
    }
}

/// Writes a line to standard error. If standard error is closed, nobody watches.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
